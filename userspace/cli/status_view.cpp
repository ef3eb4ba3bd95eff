// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/status_view.h"

#include <algorithm>

namespace sluice {

std::vector<NamedVerdict> verdicts_of(const StatusView& status) {
  std::vector<NamedVerdict> verdicts;
  for (const auto& service : status.services) {
    for (const auto& count : service.verdicts) verdicts.push_back({service.service.name, count});
  }
  for (const auto& count : status.verdicts) verdicts.push_back({"", count});

  const auto rank = [](const NamedVerdict& one) {
    const bool dropped = verdict_text(one.count.verdict).action == SLUICE_ACTION_DROP;
    return std::pair{dropped ? 0 : 1, one.count.verdict};
  };
  std::stable_sort(verdicts.begin(), verdicts.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return verdicts;
}

size_t backends_up(const ServiceView& view) {
  return static_cast<size_t>(std::count_if(
      view.backends.begin(), view.backends.end(),
      [](const BackendView& one) { return effective_state(one.backend) == BackendState::up; }));
}

Used used_by(const StatusView& status) {
  Used used;
  for (const auto& view : status.services) {
    used.services++;
    used.backends += view.backends.size();
    used.filters += view.filters.size();
  }
  return used;
}

uint64_t memory_bytes(const StatusView& status) {
  uint64_t bytes = 0;
  for (const auto& map : status.memory) bytes += map.bytes;
  return bytes;
}

}  // namespace sluice
