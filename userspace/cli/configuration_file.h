// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the file of `check` and `apply` and prints its errors.
#pragma once

#include <string>

#include "cli/context.h"
#include "model/desired.h"
#include "support/result.h"

namespace sluice {

// Prints each error as a line, "FILE:LINE:COLUMN: sentence"; with --json all of them as data. The
// error returned says how many there are.
Result<Desired> read_configuration_file(const std::string& path, Context& context);

}  // namespace sluice
