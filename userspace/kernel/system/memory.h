// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an instance's maps take, by the kernel's own account.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/result.h"

namespace sluice {

struct MapMemory {
  std::string name;
  uint32_t maps = 1;   // with those that are kept in it
  uint64_t bytes = 0;  // of all of them
};

// Of every map that is pinned in the directory, by name.
Result<std::vector<MapMemory>> memory_of(const std::string& directory);

}  // namespace sluice
