// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How a row of answers makes a backend well or failing, when the next check is due, and which of a
// service's backends are to be taken out. Pure: time and randomness are arguments.
#pragma once

#include <cstdint>
#include <vector>

#include "model/health.h"

namespace sluice {

struct Standing {
  bool failing = false;
  uint32_t against = 0;  // answers in a row that speak against it

  friend bool operator==(const Standing&, const Standing&) = default;
};

// `rise` good answers in a row end a failure, `fall` bad ones begin it.
[[nodiscard]] Standing standing_after(const HealthCheck& check, Standing standing, bool well);

// Milliseconds from the start of the last check to the start of the next one, at most `interval`:
// jitter only ever comes early, `random` saying how much of it. While bad answers gather, checks
// come earlier by what a time-out takes, so that the `fall`-th one that nobody answered has ended
// `interval` x `fall` after the last good one began, where there is room for `fall` time-outs
// after one interval. One that is failing is asked earlier by a part of a time-out, and a part of
// half an interval at most, so that it is back `interval` x `rise` after it returned.
[[nodiscard]] uint32_t next_check_ms(const HealthCheck& check, const Standing& standing,
                                     uint32_t random);

// One backend of a service, as far as its health goes.
struct MonitoredBackend {
  bool serves = true;    // by the operator's word: up, and with a weight
  bool failing = false;  // as its checks say
  bool marked = false;   // as the kernel has it now
};

// Who shall be marked as failing. With AllDown::keep somebody always serves: the last set stays
// when the last of it fail, and where nobody was left all are.
[[nodiscard]] std::vector<bool> marks_after(const std::vector<MonitoredBackend>& monitored_backends,
                                            AllDown all_down);

}  // namespace sluice
