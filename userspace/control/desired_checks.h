// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Checks the services of a file against each other: the rules of control/changes.h for all of them
// at once, each error with the line and column of its cause.
#pragma once

#include <vector>

#include "model/desired.h"

namespace sluice {

// Empty: the file can be applied, as far as that can be known without the kernel.
[[nodiscard]] std::vector<FileError> check_desired(const Desired& desired);

}  // namespace sluice
