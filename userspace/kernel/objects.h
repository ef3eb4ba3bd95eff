// Loads the BPF objects of a new instance into a directory: maps at its top, programs in
// `programs/`. Maps of the same name in several objects are one map.
#pragma once

#include <string>

#include "kernel/instance.h"
#include "sluice/instance.h"
#include "support/result.h"

namespace sluice {

Result<void> load_objects(const std::string& directory, const InstanceLimits& limits,
                          const sluice_instance& root);

// The buckets that every service table of such an instance has.
[[nodiscard]] uint32_t service_table_size(const InstanceLimits& limits);

}  // namespace sluice
