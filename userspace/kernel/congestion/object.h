// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The BPF object of the congestion control: loads it into the kernel without registering it.
// Private to this wing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernel/congestion/registry.h"
#include "support/result.h"

struct bpf_map;
struct congestion_bpf;

namespace sluice {

struct DestroyCongestionObject {
  void operator()(congestion_bpf* object) const;
};
using CongestionObject = std::unique_ptr<congestion_bpf, DestroyCongestionObject>;

// only_verify: the kernel verifies the programs; nothing is pinned.
enum class CongestionUse { registers, only_verify };

// Reuses the maps that the instance has pinned, and pins the missing ones.
Result<CongestionObject> load_congestion_object(const std::string& instance_dir,
                                                const std::string& name,
                                                const CongestionKernel& kernel, CongestionUse use);

bpf_map* congestion_ops(const CongestionObject& object);

std::vector<uint32_t> program_ids(const CongestionObject& object);

// Compares the kernel's program tags, which are hashes of the instructions.
bool same_programs(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b);

}  // namespace sluice
