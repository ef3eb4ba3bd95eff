// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The BPF object of the congestion control, loaded into the kernel and not registered yet. Used by
// congestion.cpp alone.
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

// `only_look`: nothing is pinned, and it goes as it came.
enum class CongestionUse { registers, only_look };

// Maps that the instance has pinned are used as they are; what it has not is pinned there.
Result<CongestionObject> load_congestion_object(const std::string& instance_dir,
                                                const std::string& name,
                                                const CongestionKernel& kernel, CongestionUse use);

bpf_map* congestion_ops(const CongestionObject& object);

std::vector<uint32_t> program_ids(const CongestionObject& object);

// Whether they do the same: the kernel's tag of a program is a hash of its instructions.
bool same_programs(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b);

}  // namespace sluice
