// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#pragma once

#include <string>

#include "support/result.h"

namespace sluice {

// Opens DIRECTORY/NAME with the types of `map`, a Map or a PerCpuArray.
template <typename AnyMap>
Result<void> open_map_into(AnyMap& map, const std::string& directory, const char* name) {
  map = TRY(AnyMap::open(directory, name));
  return {};
}

}  // namespace sluice
