// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "linkem/queue.h"

#include <algorithm>

namespace sluice::linkem {

namespace {

constexpr double kNanosecondsPerSecond = 1e9;

}  // namespace

// std::uniform_real_distribution differs between libraries; the top 53 bits do not.
double Queue::draw() {
  return static_cast<double>(random_() >> 11) * 0x1p-53;
}

uint64_t Queue::backlog_bytes(nanoseconds now) const {
  if (busy_until_ <= now) return 0;
  return static_cast<uint64_t>(static_cast<double>((busy_until_ - now).count()) *
                                   static_cast<double>(shape_.rate_bytes_per_sec) /
                                   kNanosecondsPerSecond +
                               0.5);
}

Passage Queue::offer(nanoseconds now, uint64_t bytes, bool ecn_capable, size_t path) {
  if (shape_.loss > 0 && draw() < shape_.loss) return {.fate = Fate::lost};

  Passage passage;
  nanoseconds sent = now;
  if (shape_.rate_bytes_per_sec > 0) {
    const uint64_t backlog = backlog_bytes(now);
    // An idle link sends a packet of any size without buffering it.
    if (backlog > 0 && backlog + bytes > shape_.buffer_bytes) return {.fate = Fate::overflowed};
    passage.marked =
        ecn_capable && shape_.ecn_threshold_bytes && backlog > *shape_.ecn_threshold_bytes;
    const nanoseconds start = std::max(now, busy_until_);
    passage.queued = start - now;
    busy_until_ =
        start +
        nanoseconds(static_cast<int64_t>(static_cast<double>(bytes) * kNanosecondsPerSecond /
                                             static_cast<double>(shape_.rate_bytes_per_sec) +
                                         0.5));
    sent = busy_until_;
  }
  nanoseconds jitter{0};
  if (shape_.jitter.count() > 0) {
    jitter = nanoseconds(static_cast<int64_t>(draw() * static_cast<double>(shape_.jitter.count())));
  }
  if (path >= last_due_.size()) path = 0;
  const nanoseconds detour = path == 0 ? nanoseconds(0) : shape_.detours[path - 1];
  passage.due = sent + shape_.delay + detour + jitter;
  if (!shape_.reorder) passage.due = std::max(last_due_[path], passage.due);
  last_due_[path] = passage.due;
  return passage;
}

}  // namespace sluice::linkem
