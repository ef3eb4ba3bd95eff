// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whether what a file wants goes together: rules that the use cases have one by one
// (control/changes.h) for all of it at once, each refusal where its cause stands.
#pragma once

#include <vector>

#include "model/desired.h"

namespace sluice {

// Empty: it may be applied, as far as that can be known without a kernel.
[[nodiscard]] std::vector<FileError> check_desired(const Desired& desired);

}  // namespace sluice
