// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Weights that follow response times. Pure: measurements in, the fraction of its weight for each
// backend out.
//
// The law: a backend whose responses take k times as long as the usual ones gets 1/k of its weight,
// so that its requests in flight match its weight (Little's law: requests in flight = rate x time).
// "Least connections" reaches the same by counting. The usual response time is the lower median of
// the service's backends, so that one slow backend changes its own share alone. No backend gets
// more than its weight.
//
// Slow and steady:
//   - a figure is a mean over at least 30 responses, smoothed over several periods; a backend
//   without
//     responses for a minute gets its weight back step by step, because its figure is out of date
//   - a change by a factor of 1.8 or more that persists for three periods is made in steps, each of
//     a fraction of the way and at most a factor of 2
//   - a smaller change spends a budget of 1 % of the service's ring per minute; a factor below 1.2
//   is
//     no change; a backend with all of its weight loses some only by a large change
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice {

// One backend of a service over the last period.
struct Measured {
  std::string name;       // identifies it across periods
  uint32_t weight = 0;    // as configured; 0, also for one that serves nothing: left out
  uint16_t permille = 0;  // of the weight, now; 0: all of it
  uint64_t responses = 0;
  uint64_t response_us = 0;  // of all of them together
};

class Adaptation {
 public:
  // The new permilles, in the order of `measured`; `period_s` since the last step.
  std::vector<uint16_t> step(const std::vector<Measured>& measured, double period_s);

  // The smoothed mean response time; 0: nothing is known.
  [[nodiscard]] double response_us(const std::string& name) const;

 private:
  struct Known {
    uint64_t responses = 0;  // gathered, too few so far
    uint64_t response_us = 0;
    double mean_us = 0;  // smoothed; 0: nothing is known
    double silent_s = 0;
    int insists = 0;  // periods in a row that ask for a large change, up (> 0) or down
  };
  void gather(const Measured& one, double period_s);
  double stepped(Known& known, double now, double target, double share_of_one);

  std::map<std::string, Known> known_;
  double budget_ = 0;  // share of the ring that small changes may move now
};

}  // namespace sluice
