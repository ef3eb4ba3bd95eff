// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Simulates flows that share a service's rate, in simulated time: packets arrive, get a departure
// time as in the program (pure/fair_share.h, pure/departure_time.h), and their senders react.
#pragma once

#include <cstdint>
#include <queue>
#include <random>
#include <vector>

#include "sluice/departure.h"

namespace sluice::test {

struct Sender {
  uint16_t weight = 1;
  // Packets in flight; the next is sent `answer_ns` after one has left: a socket that always has
  // data to send (its queue is short), or, with a path, a window.
  uint32_t packets = 2;
  uint64_t answer_ns = 20'000;
  // Or sends at this rate, unresponsive, in bursts of so many packets. 0: the former.
  uint64_t bytes_per_sec = 0;
  uint32_t burst = 1;
  uint32_t bytes = 1514;
  uint64_t from_ns = 0;
  uint64_t until_ns = UINT64_MAX;
};

class ShareWalk {
 public:
  ShareWalk(uint64_t rate_bytes_per_sec, std::vector<Sender> senders);

  void play_until(uint64_t ns);

  // Rates between two times, as fractions of the shared rate: of one sender, of all.
  [[nodiscard]] double part(size_t sender, uint64_t from_ns, uint64_t to_ns) const;
  [[nodiscard]] double total(uint64_t from_ns, uint64_t to_ns) const;
  // The maximum rate over any interval of this length, as a fraction of the shared rate.
  [[nodiscard]] double most_in(uint64_t ns) const;
  [[nodiscard]] uint64_t dropped() const { return dropped_; }
  [[nodiscard]] const sluice_share& share() const { return share_; }

 private:
  struct Arrival {
    uint64_t at_ns;
    size_t sender;
    friend bool operator>(const Arrival& a, const Arrival& b) { return a.at_ns > b.at_ns; }
  };
  struct Left {
    uint64_t at_ns;
    uint32_t bytes;
  };

  // 0: dropped.
  uint64_t send(size_t sender, uint64_t now_ns);
  void come(const Arrival& arrival);

  std::vector<Sender> senders_;
  std::vector<sluice_departure> flows_;
  std::vector<std::vector<Left>> left_;
  std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> arrivals_;
  std::mt19937 random_{1};
  sluice_share share_{};
  uint64_t dropped_ = 0;
};

}  // namespace sluice::test
