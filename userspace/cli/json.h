// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The JSON of what there is to see. Names are the command line's nouns and the contract's fields,
// numbers are exact and carry their unit in the name; null stands for "none".
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/flow_view.h"
#include "cli/status_view.h"
#include "control/enforcement.h"
#include "control/views.h"

namespace sluice {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json service_json(const ServiceView& view);
[[nodiscard]] Json backend_json(const ServiceView& view, const BackendView& one);
[[nodiscard]] Json policy_json(const std::string& service, const Policy& policy);
[[nodiscard]] Json enforcement_json(const Enforcement& enforcement);
[[nodiscard]] Json filter_json(const FilterView& view);
[[nodiscard]] Json weight_json(const ClientWeightView& view);
[[nodiscard]] Json verdict_json(const VerdictCount& count);
[[nodiscard]] Json attachment_json(const Attachment& attachment);
[[nodiscard]] Json congestion_json(const CongestionControl& control);
// One of our sockets.
[[nodiscard]] Json governed_json(const sluice_congestion_flow& flow);
// `now_s`: CLOCK_MONOTONIC, to which the maps' times are relative.
[[nodiscard]] Json flow_json(const FlowView& view, uint64_t now_s);
[[nodiscard]] Json release_json(const Release& release);
[[nodiscard]] Json status_json(const StatusView& status);

}  // namespace sluice
