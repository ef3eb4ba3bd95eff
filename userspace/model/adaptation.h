// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Weights that follow response times. Pure: what was measured comes in, what part of its weight
// each backend shall have comes out.
//
// The law: a backend whose responses take k times as long as the usual one's gets 1/k of its
// weight, so that each has as many requests under way as its weight says (Little's law: requests
// under way = rate x time); it is what "least connections" reaches, without counting any. The usual
// one is the lower median of the service's backends, so that one that is slow moves its own share
// alone, and nobody is ever given more than his weight.
//
// Slow and steady:
//   a figure is a mean over at least 30 responses, smoothed over some periods; who has none for a
//     minute gets his weight back by and by, for nothing is known of him any more
//   a change by a factor of 1.8 and more that three periods insist on is made in steps of part of
//   the way, by at most a factor of 2
//   a smaller one spends a budget of 1 % of the service's ring a minute, one of less than 1.2 is
//   none; who has all of his weight loses of it by a large one alone
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice {

// One backend of a service over the last period.
struct Measured {
  std::string name;       // by which it is known again
  uint32_t weight = 0;    // as the operator gave it; 0, or one that takes nothing: is left out
  uint16_t permille = 0;  // that it has just now; 0: all of it
  uint64_t responses = 0;
  uint64_t response_us = 0;  // of all of them together
};

class Adaptation {
 public:
  // What each shall have from now on, in the order of `measured`; `period_s` since the last step.
  std::vector<uint16_t> step(const std::vector<Measured>& measured, double period_s);

  // The smoothed mean response time; 0: nothing is known.
  [[nodiscard]] double response_us(const std::string& name) const;

 private:
  struct Known {
    uint64_t responses = 0;  // gathered, too few so far
    uint64_t response_us = 0;
    double mean_us = 0;  // smoothed; 0: nothing is known
    double silent_s = 0;
    int insists = 0;  // for so many periods on a large change, up (> 0) or down
  };
  void gather(const Measured& one, double period_s);
  double stepped(Known& known, double now, double target, double share_of_one);

  std::map<std::string, Known> known_;
  double budget_ = 0;  // part of the ring that small changes may move just now
};

}  // namespace sluice
