// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which of our congestion controls the kernel knows, found by walking its maps and links: what is
// registered may outlive its pins and its loader. Used by congestion.cpp alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice {

// What the running kernel's BTF says of its congestion controls.
struct CongestionKernel {
  uint32_t cong_control_arguments = 0;      // 2: (sk, rs); 4: (sk, ack, flag, rs), since 6.10
  bool links = false;                       // struct_ops links, since 6.4
  uint32_t name_offset = 0;                 // of the registered name in a struct_ops map's value
  std::vector<uint32_t> operation_offsets;  // and of its functions
};

Result<CongestionKernel> congestion_kernel();

// One of our struct_ops maps.
struct CongestionEntry {
  Fd map;
  uint32_t map_id = 0;
  std::string name;
  bool in_use = false;                // registered without a link
  uint32_t link_id = 0;               // registered by this link; 0: none
  std::vector<uint32_t> program_ids;  // its functions

  [[nodiscard]] bool registered() const { return in_use || link_id != 0; }
};

Result<std::vector<CongestionEntry>> congestion_entries(const CongestionKernel& kernel);

// The id of the struct_ops map that a link registers; nothing: not such a link, or detached.
std::optional<uint32_t> congestion_link_map(int link_fd);

// Waits, for a link goes in the kernel's own time. False: it is still there.
bool congestion_link_gone(uint32_t link_id);

}  // namespace sluice
