// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Finds sluice's registered congestion controls by walking the kernel's maps and links: a
// registration can outlive its pins and its loader. Private to this wing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice {

// Properties of the running kernel's tcp_congestion_ops, from its BTF.
struct CongestionKernel {
  uint32_t cong_control_arguments = 0;      // 2: (sk, rs); 4: (sk, ack, flag, rs), since 6.10
  bool links = false;                       // struct_ops links, since 6.4
  uint32_t name_offset = 0;                 // of the name in a struct_ops map's value
  std::vector<uint32_t> operation_offsets;  // of the functions in it
};

Result<CongestionKernel> congestion_kernel();

// A struct_ops map of sluice.
struct CongestionEntry {
  Fd map;
  uint32_t map_id = 0;
  std::string name;
  bool in_use = false;                // registered without a link
  uint32_t link_id = 0;               // registered by this link; 0: none
  std::vector<uint32_t> program_ids;  // of its functions

  [[nodiscard]] bool registered() const { return in_use || link_id != 0; }
};

Result<std::vector<CongestionEntry>> congestion_entries(const CongestionKernel& kernel);

// Id of the struct_ops map that a link registers; empty: another kind of link, or detached.
std::optional<uint32_t> congestion_link_map(int link_fd);

// The kernel releases a link asynchronously: waits up to 5 s. False: the link still exists.
bool congestion_link_gone(uint32_t link_id);

}  // namespace sluice
