// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Policies, and what enforces their limits, as JSON and as tables.
#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "cli/json.h"
#include "control/enforcement.h"
#include "model/policy.h"

namespace sluice {

[[nodiscard]] Json policy_json(const std::string& service, const Policy& policy);
[[nodiscard]] Json enforcement_json(const Enforcement& enforcement);

// Columns of the limits that are always shown, and of those that at least one of the policies has.
void print_policies(std::ostream& out, const std::vector<std::pair<std::string, Policy>>& policies);
void print_enforcements(std::ostream& out, const std::vector<Enforcement>& enforcements);

}  // namespace sluice
