// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Loads the BPF objects of an instance. Maps of the same name in several objects are one map,
// pinned in the instance's directory. Programs are pinned in `programs`, together with the maps
// that belong to one version of them (`tail_calls`, `release`).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernel/state/instance_directory.h"
#include "sluice/instance.h"
#include "support/result.h"

struct bpf_object;

namespace sluice {

// For a new instance.
Result<void> load_objects(const std::string& directory, const InstanceLimits& limits,
                          const sluice_instance& root);

// Loads this version's programs for an existing instance and pins them in `programs`, which is
// created. Existing maps are reused; missing maps are created in `programs`/maps; a map of another
// shape is refused. Without `programs` nothing is pinned: the kernel verifies the programs, then
// they are unloaded.
Result<void> load_beside(const std::string& directory, const std::optional<std::string>& programs,
                         const InstanceLimits& limits, const sluice_instance& root);

// An object that is open and not loaded; `owner` closes it.
struct ChainedObject {
  std::shared_ptr<void> owner;
  bpf_object* object;
};

// Opens the object of "steer_slow" or "decap" for libxdp to load into its dispatcher
// (kernel/device/chain.h). It uses the maps of the instance.
Result<ChainedObject> open_chained(const InstanceDirectory& instance, const std::string& program,
                                   const sluice_instance& root);

// Buckets of every service table of an instance with these limits.
[[nodiscard]] uint32_t service_table_size(const InstanceLimits& limits);

}  // namespace sluice
