// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One flow: its entries in the flow tables, with the names of its service and its backend.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/views.h"
#include "kernel/instance/instance.h"
#include "model/address.h"

namespace sluice {

struct FlowView {
  HostPort client;
  Endpoint endpoint;    // where the client's packets go
  std::string service;  // empty: none, or a removed one
  std::string backend;  // empty: not in any table, so the ring alone decides; or a removed one
  FlowRecord record;
};

// By service, then by client.
[[nodiscard]] std::vector<FlowView> flow_views(const std::vector<FlowRecord>& records,
                                               const std::vector<ServiceView>& services);

// The tables that have an entry of the flow: "tracked" or "half_open", "translated", "departures",
// "paced", "congestion".
[[nodiscard]] std::vector<std::string_view> tables_of(const FlowRecord& record);

}  // namespace sluice
