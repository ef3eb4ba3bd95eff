// Loads the BPF objects of a new instance into a directory: maps at its top, programs in
// `programs/`. Maps of the same name in several objects are one map.
#pragma once

#include <memory>
#include <string>

#include "kernel/instance.h"
#include "sluice/instance.h"
#include "support/result.h"

struct bpf_object;

namespace sluice {

Result<void> load_objects(const std::string& directory, const InstanceLimits& limits,
                          const sluice_instance& root);

// An object that is open and not loaded, and who closes it.
struct ChainedObject {
  std::shared_ptr<void> owner;
  bpf_object* object;
};

// The object of "steer_any" or "decap" of an instance that is there, opened once more for libxdp to
// load into its dispatcher (kernel/chain.h). It shares the instance's maps.
Result<ChainedObject> open_chained(const std::string& directory, const std::string& program,
                                   const InstanceLimits& limits, const sluice_instance& root);

// The buckets that every service table of such an instance has.
[[nodiscard]] uint32_t service_table_size(const InstanceLimits& limits);

}  // namespace sluice
