// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the flows of services have done together under the congestion control, for people and as
// JSON.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/json.h"
#include "kernel/congestion/telemetry.h"

namespace sluice {

class Instance;

struct CongestionSumView {
  std::string service;  // empty: flows of no service
  sluice_congestion_service sum{};
};

// By name, flows of no service last. Only services that had a flow.
[[nodiscard]] Result<std::vector<CongestionSumView>> congestion_sum_views(Instance& instance);

[[nodiscard]] Json congestion_sum_json(const CongestionSumView& view);
void print_congestion_sums(std::ostream& out, const std::vector<CongestionSumView>& views);

}  // namespace sluice
