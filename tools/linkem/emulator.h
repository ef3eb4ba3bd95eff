// The loop between two TUN devices: what one of them sends goes through a Queue (queue.h) and comes
// out of the other when it is due. It sleeps in the kernel until a packet arrives or is due; with
// `spin` it keeps a core busy while packets are under way, for the last microseconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "kernel/fd.h"
#include "linkem/histogram.h"
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
  Direction(const LinkShape& shape, uint64_t seed) : queue_(shape, seed) {}

  // Reads what `from` sends, up to a batch; false when the device is gone.
  [[nodiscard]] bool take(const Fd& from);
  // Writes to `to` what is due.
  void deliver(const Fd& to);
  // When the next packet is due; nanoseconds::max() when none is under way.
  [[nodiscard]] nanoseconds next_due() const;
  [[nodiscard]] uint64_t under_way() const { return packets_.size(); }
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  struct Packet {
    nanoseconds due;
    std::vector<uint8_t> bytes;
  };

  Queue queue_;
  std::deque<Packet> packets_;
  Tally tally_;
};

struct Emulator {
  Fd left;
  Fd right;
  Direction left_to_right;
  Direction right_to_left;

  // Until SIGTERM or SIGINT; call catch_signals() first. An error when a device vanishes.
  [[nodiscard]] Result<void> run(bool spin);
};

// From here on SIGTERM and SIGINT end run(), and nothing else.
void catch_signals();

}  // namespace sluice::linkem
