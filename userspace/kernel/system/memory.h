// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Memory of an instance's maps, as accounted by the kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/result.h"

namespace sluice {

struct MapMemory {
  std::string name;
  uint32_t maps = 1;   // the map and its inner maps
  uint64_t bytes = 0;  // of all of them
};

// Every map pinned in the directory, sorted by name.
Result<std::vector<MapMemory>> memory_of(const std::string& directory);

}  // namespace sluice
