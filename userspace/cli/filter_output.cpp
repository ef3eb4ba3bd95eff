// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/filter_output.h"

#include "cli/table.h"

namespace sluice {

Json filter_json(const FilterView& view) {
  return {{"service", view.service},
          {"prefix", view.filter.prefix.text()},
          {"action", filter_action_text(view.filter.action)}};
}

void print_filters(std::ostream& out, const std::vector<FilterView>& filters) {
  Table table({{"SERVICE"}, {"PREFIX"}, {"ACTION"}});
  for (const auto& [service, filter] : filters) {
    table.add({service, filter.prefix.text(), std::string(filter_action_text(filter.action))});
  }
  table.print(out);
}

}  // namespace sluice
