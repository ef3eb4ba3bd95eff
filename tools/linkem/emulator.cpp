// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "linkem/emulator.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <optional>
#include <span>

#include "linkem/ecn.h"

namespace sluice::linkem {

namespace {

// A small batch, so that reading arrivals does not delay packets that are due.
constexpr int kBatch = 32;
// A TUN device without offloads delivers packets of up to its MTU, which is at most this.
constexpr size_t kPacketMax = 65535;

nanoseconds clock_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

bool Direction::later(const Packet& a, const Packet& b) {
  return a.due != b.due ? a.due > b.due : a.number > b.number;
}

bool Direction::take(const Fd& from) {
  std::array<uint8_t, kPacketMax> buffer;  // NOLINT: filled by read
  if (reset_.exchange(false)) tally_ = {};
  for (int i = 0; i < kBatch; i++) {
    const ssize_t size = read(from.get(), buffer.data(), buffer.size());
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    const std::span<uint8_t> packet(buffer.data(), static_cast<size_t>(size));
    tally_.offered_packets++;
    tally_.offered_bytes += packet.size();
    const Passage passage =
        queue_.offer(clock_now(), packet.size(), ecn_capable(packet), paths_.of(packet));
    switch (passage.fate) {
      case Fate::lost:
        tally_.dropped_random++;
        continue;
      case Fate::overflowed:
        tally_.dropped_full++;
        continue;
      case Fate::carried:
        break;
    }
    if (passage.marked) {
      mark_congestion(packet);
      tally_.marked++;
    }
    tally_.queued.add(passage.queued);
    queued_last_ns_ = passage.queued.count();
    packets_.push_back({passage.due, arrivals_++, {packet.begin(), packet.end()}});
    std::push_heap(packets_.begin(), packets_.end(), later);
  }
  return true;
}

void Direction::deliver(const Fd& to) {
  while (!packets_.empty()) {
    const nanoseconds now = clock_now();
    const nanoseconds due = packets_.front().due;
    if (due > now) return;
    std::pop_heap(packets_.begin(), packets_.end(), later);
    const std::vector<uint8_t>& bytes = packets_.back().bytes;
    if (write(to.get(), bytes.data(), bytes.size()) < 0) {
      tally_.refused++;
    } else {
      tally_.late.add(now - due);
      tally_.delivered_packets++;
      tally_.delivered_bytes += bytes.size();
    }
    packets_.pop_back();
  }
}

nanoseconds Direction::next_due() const {
  return packets_.empty() ? nanoseconds::max() : packets_.front().due;
}

Result<void> Emulator::run(const Fd& ending, bool spin) {
  const Fd poll(epoll_create1(EPOLL_CLOEXEC));
  if (!poll.valid()) return failed("epoll: {}", strerror(errno));
  for (const Fd* source : std::initializer_list<const Fd*>{&left, &right, &ending}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = const_cast<Fd*>(source);
    if (epoll_ctl(poll.get(), EPOLL_CTL_ADD, source->get(), &event) != 0) {
      return failed("epoll: {}", strerror(errno));
    }
  }

  std::array<epoll_event, 3> events{};
  for (;;) {
    const nanoseconds due = std::min(left_to_right.next_due(), right_to_left.next_due());
    std::optional<timespec> timeout;
    if (due != nanoseconds::max()) {
      const nanoseconds left_over =
          spin ? nanoseconds(0) : std::max(due - clock_now(), nanoseconds(0));
      const auto whole = std::chrono::floor<std::chrono::seconds>(left_over);
      timeout = timespec{whole.count(), (left_over - whole).count()};
    }
    const int ready = epoll_pwait2(poll.get(), events.data(), static_cast<int>(events.size()),
                                   timeout ? &*timeout : nullptr, nullptr);
    if (ready < 0 && errno != EINTR) return failed("epoll: {}", strerror(errno));
    for (int i = 0; i < ready; i++) {
      const void* source = events[static_cast<size_t>(i)].data.ptr;
      if (source == &ending) return {};
      const bool from_left = source == &left;
      if (!(from_left ? left_to_right.take(left) : right_to_left.take(right))) {
        return failed("the {} device is gone: {}", from_left ? "left" : "right", strerror(errno));
      }
    }
    left_to_right.deliver(right);
    right_to_left.deliver(left);
  }
}

// The timer slack prolongs a sleep by up to 50 us by default. On a busy machine a thread of normal
// priority waits for milliseconds.
void run_on_time(int priority) {
  prctl(PR_SET_TIMERSLACK, 1);
  const sched_param realtime{.sched_priority = priority};
  if (priority > 0) sched_setscheduler(0, SCHED_FIFO, &realtime);
}

Result<Fd> ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  Fd signals(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) return failed("signals: {}", strerror(errno));
  return signals;
}

}  // namespace sluice::linkem
