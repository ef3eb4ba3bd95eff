// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/client_weight_output.h"

#include "cli/table.h"

namespace sluice {

Json weight_json(const ClientWeightView& view) {
  return {{"service", view.service},
          {"prefix", view.weight.prefix.text()},
          {"weight", view.weight.weight}};
}

void print_weights(std::ostream& out, const std::vector<ClientWeightView>& weights) {
  Table table({{"SERVICE"}, {"PREFIX"}, {"WEIGHT", Align::right}});
  for (const auto& [service, weight] : weights) {
    table.add({service, weight.prefix.text(), std::to_string(weight.weight)});
  }
  table.print(out);
}

}  // namespace sluice
