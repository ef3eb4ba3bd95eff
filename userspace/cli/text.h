// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What there is to see, for people: one table or one list of facts for each noun. Its other
// spelling is cli/json.h.
#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "cli/flow_view.h"
#include "cli/status_view.h"
#include "control/enforcement.h"
#include "control/views.h"

namespace sluice {

void print_services(std::ostream& out, const std::vector<ServiceView>& services);
void print_service(std::ostream& out, const ServiceView& view);
// Those of every service given.
void print_backends(std::ostream& out, const std::vector<ServiceView>& services);
void print_backend(std::ostream& out, const ServiceView& view, const BackendView& one);
void print_policies(std::ostream& out, const std::vector<std::pair<std::string, Policy>>& policies);
void print_enforcements(std::ostream& out, const std::vector<Enforcement>& enforcements);
void print_filters(std::ostream& out, const std::vector<FilterView>& filters);
void print_weights(std::ostream& out, const std::vector<ClientWeightView>& weights);
void print_congestion(std::ostream& out, const std::vector<CongestionControl>& controls);
void print_flows(std::ostream& out, const std::vector<FlowView>& flows);
void print_flow(std::ostream& out, const FlowView& view, uint64_t now_s);
void print_status(std::ostream& out, const StatusView& status);

}  // namespace sluice
