// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The loop between two TUN devices: a packet that one of them sends passes a Queue (queue.h) and
// leaves by the other when it is due. The loop sleeps until a packet arrives or is due; with `spin`
// it keeps a core busy while packets are in flight, which saves the last microseconds.
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
  uint64_t refused = 0;  // by the far device, which was down or gone
  Histogram queued;      // queueing delay of carried packets
  Histogram late;        // time from due to sent: the emulator's own error
};

class Direction {
 public:
  Direction(const LinkShape& shape, Paths paths, uint64_t seed)
      : queue_(shape, seed), paths_(std::move(paths)) {}

  // Reads a batch of packets from `from`; false if the device is gone.
  [[nodiscard]] bool take(const Fd& from);
  // Writes the packets that are due to `to`.
  void deliver(const Fd& to);
  // The time at which the next packet is due; nanoseconds::max() if none is in flight.
  [[nodiscard]] nanoseconds next_due() const;
  [[nodiscard]] uint64_t in_flight() const { return packets_.size(); }
  [[nodiscard]] const Tally& tally() const { return tally_; }

  // Safe from another thread while the emulator runs: the queueing delay of the last arrival, and a
  // reset of the tally.
  [[nodiscard]] nanoseconds queued_last() const { return nanoseconds(queued_last_ns_.load()); }
  void reset_tally() { reset_ = true; }

 private:
  struct Packet {
    nanoseconds due;
    uint64_t number;  // of arrival: the order of packets that are due at the same time
    std::vector<uint8_t> bytes;
  };
  static bool later(const Packet& a, const Packet& b);

  Queue queue_;
  Paths paths_;
  std::vector<Packet> packets_;  // a heap, the earliest due on top
  uint64_t arrivals_ = 0;
  Tally tally_;
  std::atomic<int64_t> queued_last_ns_ = 0;
  std::atomic<bool> reset_ = false;
};

struct Emulator {
  Fd left;
  Fd right;
  Direction left_to_right;
  Direction right_to_left;

  // Runs until `ending` is readable, or fails if a device vanishes.
  [[nodiscard]] Result<void> run(const Fd& ending, bool spin);
};

// Best effort, for the calling thread: no timer slack, and real-time priority unless 0. `late_us`
// in the report shows the result.
void run_on_time(int priority);

// Readable after SIGTERM or SIGINT, which are blocked from now on.
[[nodiscard]] Result<Fd> ending_signals();

}  // namespace sluice::linkem
