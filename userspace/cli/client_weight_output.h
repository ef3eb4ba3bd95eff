// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Client weights as JSON and as a table.
#pragma once

#include <ostream>
#include <vector>

#include "cli/json.h"
#include "control/views.h"

namespace sluice {

[[nodiscard]] Json weight_json(const ClientWeightView& view);
void print_weights(std::ostream& out, const std::vector<ClientWeightView>& weights);

}  // namespace sluice
