// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The model of one direction of an emulated link: loss, a drop-tail buffer before a bottleneck, ECN
// marks, propagation delay and jitter. Pure: time is an argument, randomness has a seed, and a
// packet is its size. emulator.h moves the real packets.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

namespace sluice::linkem {

using std::chrono::nanoseconds;

// The properties of a link. Sizes count from the IP header on: a bulk TCP flow with packets of 1500
// bytes and timestamps gets 1448/1500 of the rate as payload.
struct LinkShape {
  uint64_t rate_bytes_per_sec = 0;  // 0: no bottleneck and no queue
  nanoseconds delay{0};             // one-way
  nanoseconds jitter{0};            // maximum additional delay, evenly distributed
  bool reorder = false;             // a packet with less jitter overtakes; else order is kept
  uint64_t buffer_bytes = 0;
  std::optional<uint64_t> ecn_threshold_bytes{};  // a longer backlog marks ECN-capable packets
  double loss = 0;                                // probability, before the queue
  // Paths behind the bottleneck: path 0 has `delay`, path n detours[n-1] more.
  std::vector<nanoseconds> detours{};
};

enum class Fate { carried, lost, overflowed };

struct Passage {
  Fate fate = Fate::carried;
  bool marked = false;    // to be marked with CE
  nanoseconds queued{0};  // from arrival until its first bit is sent
  nanoseconds due{0};     // arrival at the other end
};

class Queue {
 public:
  Queue(const LinkShape& shape, uint64_t seed)
      : shape_(shape), random_(seed), last_due_(1 + shape.detours.size(), nanoseconds(0)) {}

  // A packet arrives. `now` must not decrease. Packets of one path are due in order of arrival,
  // unless the link reorders. An unknown path is path 0.
  Passage offer(nanoseconds now, uint64_t bytes, bool ecn_capable, size_t path = 0);

  // Bytes that are queued or being sent.
  [[nodiscard]] uint64_t backlog_bytes(nanoseconds now) const;

 private:
  double draw();  // in [0, 1)

  LinkShape shape_;
  std::mt19937_64 random_;
  nanoseconds busy_until_{0};
  std::vector<nanoseconds> last_due_;  // per path
};

}  // namespace sluice::linkem
