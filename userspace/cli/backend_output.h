// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Backends as JSON, as a table and one by one.
#pragma once

#include <ostream>
#include <vector>

#include "cli/json.h"
#include "control/views.h"

namespace sluice {

// Backends that take new connections.
[[nodiscard]] size_t backends_up(const ServiceView& view);

[[nodiscard]] Json backend_json(const ServiceView& view, const BackendView& one);
// The backends of all these services.
void print_backends(std::ostream& out, const std::vector<ServiceView>& services);
void print_backend(std::ostream& out, const ServiceView& view, const BackendView& one);

}  // namespace sluice
