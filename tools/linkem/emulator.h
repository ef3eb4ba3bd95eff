// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The loop between two TUN devices: what one of them sends goes through a Queue (queue.h) and comes
// out of the other when it is due. It sleeps in the kernel until a packet arrives or is due; with
// `spin` it keeps a core busy while packets are under way, for the last microseconds.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "kernel/system/fd.h"
#include "linkem/histogram.h"
#include "linkem/paths.h"
#include "linkem/queue.h"
#include "support/result.h"

namespace sluice::linkem {

struct Tally {
  uint64_t offered_packets = 0;
  uint64_t offered_bytes = 0;
  uint64_t delivered_packets = 0;
  uint64_t delivered_bytes = 0;
  uint64_t dropped_full = 0;
  uint64_t dropped_random = 0;
  uint64_t marked = 0;
  uint64_t refused = 0;  // the far device would not take it, being down or gone
  Histogram queued;      // of what was carried
  Histogram late;        // how long after its due time a packet left: the emulator's own error
};

class Direction {
 public:
  Direction(const LinkShape& shape, Paths paths, uint64_t seed)
      : queue_(shape, seed), paths_(std::move(paths)) {}

  // Reads what `from` sends, up to a batch; false when the device is gone.
  [[nodiscard]] bool take(const Fd& from);
  // Writes to `to` what is due.
  void deliver(const Fd& to);
  // When the next packet is due; nanoseconds::max() when none is under way.
  [[nodiscard]] nanoseconds next_due() const;
  [[nodiscard]] uint64_t under_way() const { return packets_.size(); }
  [[nodiscard]] const Tally& tally() const { return tally_; }

  // What another thread may ask while the emulator runs: the queueing delay of the packet that
  // arrived last, and that counting begins anew.
  [[nodiscard]] nanoseconds queued_last() const { return nanoseconds(queued_last_ns_.load()); }
  void count_anew() { anew_ = true; }

 private:
  struct Packet {
    nanoseconds due;
    uint64_t number;  // of arrival: what is due at the same time leaves in this order
    std::vector<uint8_t> bytes;
  };
  static bool later(const Packet& a, const Packet& b);

  Queue queue_;
  Paths paths_;
  std::vector<Packet> packets_;  // a heap, the one that is due first on top
  uint64_t arrivals_ = 0;
  Tally tally_;
  std::atomic<int64_t> queued_last_ns_ = 0;
  std::atomic<bool> anew_ = false;
};

struct Emulator {
  Fd left;
  Fd right;
  Direction left_to_right;
  Direction right_to_left;

  // Until `ending` is readable. An error when a device vanishes.
  [[nodiscard]] Result<void> run(const Fd& ending, bool spin);
};

// Best effort, of the calling thread: the timer slack away, and real-time priority unless 0. The
// report's `late_us` says how good it was.
void run_on_time(int priority);

// Readable once SIGTERM or SIGINT has come, which from here on do nothing else.
[[nodiscard]] Result<Fd> ending_signals();

}  // namespace sluice::linkem
