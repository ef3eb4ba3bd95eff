// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Flows as JSON, as a table and one by one.
#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "cli/flow_view.h"
#include "cli/json.h"

namespace sluice {

// `now_s`: CLOCK_MONOTONIC, the clock of the maps' times.
[[nodiscard]] Json flow_json(const FlowView& view, uint64_t now_s);
// A socket of our congestion control.
[[nodiscard]] Json governed_json(const sluice_congestion_flow& flow);

void print_flows(std::ostream& out, const std::vector<FlowView>& flows);
void print_flow(std::ostream& out, const FlowView& view, uint64_t now_s);

}  // namespace sluice
