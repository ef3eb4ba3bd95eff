// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The file that `check` and `apply` are given, with its mistakes told to the person at the
// terminal.
#pragma once

#include <string>

#include "cli/context.h"
#include "model/desired.h"
#include "support/result.h"

namespace sluice {

// Each mistake is a line of its own, "FILE:LINE:COLUMN: sentence", and with --json all of them are
// data; the error says how many there are.
Result<Desired> read_configuration_file(const std::string& path, Context& context);

}  // namespace sluice
