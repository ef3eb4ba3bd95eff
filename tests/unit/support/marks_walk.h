// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A sender and a receiver that exchange congestion marks over a network that marks, loses and
// reorders packets in both directions. The sender is bpf/pure/marks.h, called as the kernel does.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <set>

#include "pure/marks.h"
#include "unit/support/path_simulation.h"

namespace sluice::simulation {

class MarksWalk {
 public:
  struct Network {
    double marked = 0.05;
    double lost = 0.01;
    double reordered = 0.1;
  };
  MarksWalk(Echo echo, Network network, uint64_t seed, uint32_t first_sequence = 0);

  void run(int steps);
  [[nodiscard]] const marks& heard() const { return marks_; }
  [[nodiscard]] int most_confidence() const { return most_confidence_; }  // maximum so far
  [[nodiscard]] int answers() const { return answers_; }

 private:
  struct Packet {
    uint32_t sequence;
    bool marked;
    bool answer;  // CWR
  };
  struct Acknowledgement {
    uint32_t sequence;
    bool echo;
    bool missing;
  };

  void send(uint32_t sequence, bool again);
  void receive();
  void acknowledge();
  void hear();
  void reduce();
  bool happens(double part) { return std::uniform_real_distribution<>(0, 1)(random_) < part; }
  template <typename T>
  T take(std::deque<T>& way);

  Echo echo_;
  Network network_;
  std::mt19937_64 random_;
  marks marks_{};
  std::deque<Packet> forth_;
  std::deque<Acknowledgement> back_;
  // sender
  uint32_t una_;
  uint32_t next_;
  uint32_t reduced_until_ = 0;
  bool reducing_ = false;
  bool answer_due_ = false;
  int duplicates_ = 0;
  int answers_ = 0;
  int most_confidence_ = 0;
  // receiver
  uint32_t expected_;
  std::set<uint32_t> early_;
  bool echoing_ = false;
  int unreported_ = 0;
};

}  // namespace sluice::simulation
