// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A service's rate shared by flows of every temper, played in time of its own: packets come, get a
// departure by pure/share.h and pure/departure.h as the program gives it, and their senders react.
#pragma once

#include <cstdint>
#include <queue>
#include <random>
#include <vector>

#include "sluice/departure.h"

namespace sluice::test {

struct Sender {
  uint16_t weight = 1;
  // So many packets are under way; the next is sent when one has left, `answer_ns` later: a socket
  // that always has something to send (its queue is short), or, with a path, a window.
  uint32_t packets = 2;
  uint64_t answer_ns = 20'000;
  // Or: sends at this rate, heeding nothing, in bursts of so many packets. 0: the former.
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

  // From a time to another, as parts of the rate: of one sender, of all.
  [[nodiscard]] double part(size_t sender, uint64_t from_ns, uint64_t to_ns) const;
  [[nodiscard]] double total(uint64_t from_ns, uint64_t to_ns) const;
  // The most that left in any time so long, as a part of the rate.
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
