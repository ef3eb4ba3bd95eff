// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Source filters as JSON and as a table.
#pragma once

#include <ostream>
#include <vector>

#include "cli/json.h"
#include "control/views.h"

namespace sluice {

[[nodiscard]] Json filter_json(const FilterView& view);
void print_filters(std::ostream& out, const std::vector<FilterView>& filters);

}  // namespace sluice
