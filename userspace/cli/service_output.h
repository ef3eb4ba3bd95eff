// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Services as JSON, as a table and one by one.
#pragma once

#include <ostream>
#include <vector>

#include "cli/json.h"
#include "control/views.h"

namespace sluice {

[[nodiscard]] Json service_json(const ServiceView& view);
void print_services(std::ostream& out, const std::vector<ServiceView>& services);
// With its backends and its verdicts.
void print_service(std::ostream& out, const ServiceView& view);

}  // namespace sluice
