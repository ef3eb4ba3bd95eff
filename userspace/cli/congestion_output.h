// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Congestion controls, and what the sockets of each service have done under ours, as JSON and as
// tables. One flow's congestion control is in cli/flow_output.h.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/json.h"
#include "kernel/congestion/control.h"
#include "kernel/state/congestion_sums.h"

namespace sluice {

class Instance;

[[nodiscard]] Json congestion_json(const CongestionControl& control);
// "sluice, map 17, linked"
[[nodiscard]] std::string congestion_text(const CongestionControl& control);
void print_congestion(std::ostream& out, const std::vector<CongestionControl>& controls);

struct CongestionSumView {
  std::string service;  // empty: flows of no service
  sluice_congestion_service sum{};
};

// Services that had a flow, by name; flows of no service last.
[[nodiscard]] Result<std::vector<CongestionSumView>> congestion_sum_views(Instance& instance);

[[nodiscard]] Json congestion_sum_json(const CongestionSumView& view);
void print_congestion_sums(std::ostream& out, const std::vector<CongestionSumView>& views);

}  // namespace sluice
