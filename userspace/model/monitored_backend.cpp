// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/monitored_backend.h"

#include <algorithm>

namespace sluice {

Standing standing_after(const HealthCheck& check, Standing standing, bool well) {
  if (well != standing.failing) {
    standing.against = 0;
    return standing;
  }
  standing.against++;
  const uint32_t needed = standing.failing ? check.rise : check.fall;
  if (standing.against >= needed) standing = {.failing = !standing.failing, .against = 0};
  return standing;
}

uint32_t next_check_ms(const HealthCheck& check, const Standing& standing, uint32_t random) {
  if (!standing.failing && standing.against > 0) {
    const uint32_t earlier = check.fall > 1 ? check.timeout_ms / (check.fall - 1) : 0;
    return check.interval_ms - std::min(earlier, check.interval_ms - 1);
  }
  const uint32_t earlier =
      standing.failing ? std::min(check.timeout_ms, check.interval_ms / 2) / check.rise : 0;
  const uint32_t latest_ms = check.interval_ms - earlier;
  const uint64_t jitter_ms = uint64_t{check.interval_ms} * check.jitter_percent / 100;
  return latest_ms - std::min(static_cast<uint32_t>(random % (jitter_ms + 1)), latest_ms - 1);
}

std::vector<bool> marks_after(const std::vector<MonitoredBackend>& monitored_backends,
                              AllDown all_down) {
  std::vector<bool> marks;
  marks.reserve(monitored_backends.size());
  for (const MonitoredBackend& monitored : monitored_backends) marks.push_back(monitored.failing);
  if (all_down == AllDown::drop) return marks;

  bool served = false;
  bool serves = false;
  for (const MonitoredBackend& monitored : monitored_backends) {
    served = served || (monitored.serves && !monitored.marked);
    serves = serves || (monitored.serves && !monitored.failing);
  }
  if (serves) return marks;
  for (size_t i = 0; i < monitored_backends.size(); i++) {
    if (monitored_backends[i].serves) marks[i] = served && monitored_backends[i].marked;
  }
  return marks;
}

}  // namespace sluice
