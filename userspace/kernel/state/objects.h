// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Loads the BPF objects of an instance into a directory: maps at its top, programs in `programs/`,
// and there also the maps that belong to them alone (`tail_calls`, `release`). Maps of the same
// name in several objects are one map.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernel/instance/instance.h"
#include "sluice/instance.h"
#include "support/result.h"

struct bpf_object;

namespace sluice {

Result<void> load_objects(const std::string& directory, const InstanceLimits& limits,
                          const sluice_instance& root);

// This version's programs for an instance that is there, pinned in `programs`, which is made. Its
// maps are used as they are, and what it has not is made in `programs`/maps; a map of another shape
// is refused. Without `programs` nothing is pinned: the kernel has looked at them, and they go as
// they came.
Result<void> load_beside(const std::string& directory, const std::optional<std::string>& programs,
                         const InstanceLimits& limits, const sluice_instance& root);

// An object that is open and not loaded, and who closes it.
struct ChainedObject {
  std::shared_ptr<void> owner;
  bpf_object* object;
};

// The object of "steer_slow" or "decap" of an instance that is there, opened once more for libxdp
// to load into its dispatcher (kernel/device/chain.h). It shares the instance's maps.
Result<ChainedObject> open_chained(const std::string& directory, const std::string& program,
                                   const InstanceLimits& limits, const sluice_instance& root);

// The buckets that every service table of such an instance has.
[[nodiscard]] uint32_t service_table_size(const InstanceLimits& limits);

}  // namespace sluice
