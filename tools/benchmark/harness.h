// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What every benchmark does besides measuring: stays where it is, and writes its figures down.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "support/result.h"

namespace sluice::benchmark {

// Figures of one CPU, so that nothing moves to another's cold caches in the middle.
Result<void> stay_on_one_cpu();

// An array with an object a figure; what is not known is null in it.
Result<void> write_json(const std::string& path, const nlohmann::ordered_json& rows);

}  // namespace sluice::benchmark
