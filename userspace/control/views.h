// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `list` and `show` commands, the status page and the metrics present.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/ports/dataplane.h"
#include "model/service.h"

namespace sluice {

struct BackendView {
  Backend backend;
  size_t slots = 0;  // of its service's ring
  Traffic traffic;
};

struct ServiceView {
  Service service;
  std::vector<BackendView> backends;  // by address and port
  std::optional<Policy> policy;
  std::vector<Filter> filters;        // by prefix
  std::vector<ClientWeight> weights;  // by prefix
  size_t slots = 0;                   // of the ring; 0: no ring yet
  size_t moving_slots = 0;
  size_t tracked_flows = 0;  // of moving slots
  Traffic traffic;           // of all its backends, including removed ones
  FlowTotals flow_totals;
  std::vector<VerdictCount> verdicts;
};

Result<std::vector<ServiceView>> service_views(Dataplane dataplane);  // by name
// An unknown name is an error that lists the names that exist (or names `sluice service add`).
Result<ServiceView> service_view(Dataplane dataplane, const std::string& name);
Result<Service> service_named(ConfigurationStore& store, const std::string& name);

struct FilterView {
  std::string service;
  Filter filter;
};

// By service and prefix; `service` empty: of all.
Result<std::vector<FilterView>> filter_views(ConfigurationStore& store, const std::string& service);

struct ClientWeightView {
  std::string service;
  ClientWeight weight;
};

// By service and prefix; `service` empty: of all.
Result<std::vector<ClientWeightView>> client_weight_views(ConfigurationStore& store,
                                                          const std::string& service);

// A verdict's name ("not_ours"), its action ("pass", "forward", "punt" or "drop") and its sentence.
struct VerdictText {
  std::string_view name;
  sluice_action action{};
  std::string_view sentence;
};
[[nodiscard]] VerdictText verdict_text(sluice_verdict verdict);
[[nodiscard]] std::string_view action_text(sluice_action action);

}  // namespace sluice
