// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Verdicts, with the packets that they were counted for, as JSON and as a table.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/json.h"
#include "control/views.h"

namespace sluice {

// The packets of one service that got one verdict. An empty name: packets of no service.
struct NamedVerdict {
  std::string service;
  VerdictCount count;
};

// Dropped packets first, then in the contract's order of verdicts; services in the order given
// within one verdict.
void sort_verdicts(std::vector<NamedVerdict>& verdicts);

[[nodiscard]] Json verdict_json(const VerdictCount& count);
// Nothing at all if there are none, or else a blank line before the table.
void print_verdicts(std::ostream& out, const std::vector<NamedVerdict>& verdicts);

}  // namespace sluice
