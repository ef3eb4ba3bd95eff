// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Registers, lists and unregisters sluice's congestion control. Each instance has at most one; its
// name is visible to sockets of every network namespace. The caller holds the instance's lock. The
// congestion control uses maps of the instance and pins its own beside them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/result.h"

namespace sluice {

// TCP_CA_NAME_MAX without its NUL.
inline constexpr size_t congestion_name_length = 15;

struct CongestionControl {
  std::string name;     // for TCP_CONGESTION
  uint32_t map_id = 0;  // of its struct_ops map, as bpftool shows it
  bool linked = false;  // registered by a link; false: until it is unregistered (kernel < 6.4)
  bool pinned = false;  // by the instance in question
};

// 1 to 15 letters, digits, '_' and '.', the kernel's rule.
Result<std::string> parse_congestion_name(const std::string& text);

// Why this kernel cannot load it; empty: it can.
std::string congestion_unsupported();

// Effect of a load. `replaced`: another version was registered under the name. New sockets get this
// version; existing sockets keep the old one until they close.
enum class CongestionLoad { nothing, loaded, replaced };

// Dry run. The kernel verifies the programs.
Result<CongestionLoad> congestion_would_load(const std::string& instance_dir,
                                             const std::string& name);
Result<CongestionLoad> congestion_load(const std::string& instance_dir, const std::string& name);

// Sockets that use it keep it until they close; other sockets can no longer select it. Its maps are
// removed, unless such sockets exist. False: it was not registered.
Result<bool> congestion_unload(const std::string& instance_dir, const std::string& name);

// All congestion controls of sluice registered on this machine, of every instance.
Result<std::vector<CongestionControl>> congestion_list(const std::string& instance_dir = {});

}  // namespace sluice
