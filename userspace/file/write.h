// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The configuration file, from the desired state to text. read_configuration() reads it back.
#pragma once

#include <string>

#include "model/desired.h"

namespace sluice {

// Keys whose value is the default are left out.
[[nodiscard]] std::string write_configuration(const Desired& desired);

}  // namespace sluice
