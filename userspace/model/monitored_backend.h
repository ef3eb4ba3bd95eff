// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// When a sequence of check results makes a backend healthy or failing, when the next check is due,
// and which backends of a service are marked as failing. Pure: time and randomness are arguments.
#pragma once

#include <cstdint>
#include <vector>

#include "model/health.h"

namespace sluice {

struct Standing {
  bool failing = false;
  uint32_t against = 0;  // consecutive results that contradict `failing`

  friend bool operator==(const Standing&, const Standing&) = default;
};

// `rise` successes in a row end a failure, `fall` failures in a row begin it.
[[nodiscard]] Standing standing_after(const HealthCheck& check, Standing standing, bool well);

// Milliseconds from the start of the last check to the start of the next one, at most `interval`.
// Jitter, taken from `random`, only makes a check earlier. After a failed check, the next ones are
// earlier by a share of the time-out: the `fall`-th unanswered check then ends at most `interval` x
// `fall` after the last success began, if `fall` time-outs fit behind one interval. A failing
// backend is checked earlier by a share of the time-out, at most of half an interval, so that it is
// healthy again `interval` x `rise` after it recovered.
[[nodiscard]] uint32_t next_check_ms(const HealthCheck& check, const Standing& standing,
                                     uint32_t random);

// The health of one backend of a service.
struct MonitoredBackend {
  bool serves = true;    // as configured: up, and with a weight
  bool failing = false;  // result of its checks
  bool marked = false;   // as failing, in the kernel
};

// The backends to mark as failing. With AllDown::keep at least one always serves: if all fail, the
// last set that served stays, and if none served, all serve.
[[nodiscard]] std::vector<bool> marks_after(const std::vector<MonitoredBackend>& monitored_backends,
                                            AllDown all_down);

}  // namespace sluice
