// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/verdict_output.h"

#include <algorithm>

#include "cli/table.h"
#include "cli/units.h"

namespace sluice {

void sort_verdicts(std::vector<NamedVerdict>& verdicts) {
  const auto rank = [](const NamedVerdict& one) {
    const bool dropped = verdict_text(one.count.verdict).action == SLUICE_ACTION_DROP;
    return std::pair{dropped ? 0 : 1, one.count.verdict};
  };
  std::stable_sort(verdicts.begin(), verdicts.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

Json verdict_json(const VerdictCount& count) {
  const auto text = verdict_text(count.verdict);
  return {{"verdict", text.name},
          {"action", action_text(text.action)},
          {"packets", count.packets},
          {"bytes", count.bytes},
          {"sentence", text.sentence}};
}

void print_verdicts(std::ostream& out, const std::vector<NamedVerdict>& verdicts) {
  if (verdicts.empty()) return;
  Table table({{"ACTION"},
               {"VERDICT"},
               {"SERVICE"},
               {"PACKETS", Align::right},
               {"BYTES", Align::right},
               {"MEANING"}});
  for (const auto& [service, count] : verdicts) {
    const auto text = verdict_text(count.verdict);
    table.add({std::string(action_text(text.action)), std::string(text.name), service,
               std::to_string(count.packets), bytes_for_people(count.bytes),
               std::string(text.sentence)});
  }
  out << '\n';
  table.print(out);
}

}  // namespace sluice
