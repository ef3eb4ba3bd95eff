// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice's congestion control in the kernel: registering it, finding it, taking it away. It is one
// per instance and known to sockets under a name; every network namespace sees it. The caller holds
// the instance's lock. Its maps (endpoints, policies, congestion_flows) are pinned in the
// instance's directory, and what is there already is taken as it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/result.h"

namespace sluice {

// The longest name that the kernel takes (TCP_CA_NAME_MAX, with its NUL).
inline constexpr size_t congestion_name_length = 15;

struct CongestionControl {
  std::string name;     // by which a socket chooses it (TCP_CONGESTION)
  uint32_t map_id = 0;  // of its struct_ops map, as bpftool shows it
  bool linked = false;  // goes with its link; false: stays until it is unregistered (kernel < 6.4)
  bool pinned = false;  // by the instance that was asked about
};

// Letters, digits, '_' and '.', as the kernel has it; at most 15.
Result<std::string> parse_congestion_name(const std::string& text);

// Sentence why this kernel cannot do it; empty: it can.
std::string congestion_unsupported();

// What a load changed. `replaced`: another version of it was loaded under this name, and sockets
// get this one from now on; those that have the old one keep it to their end.
enum class CongestionLoad { nothing, loaded, replaced };

// What it would do; the kernel looks at the programs either way.
Result<CongestionLoad> congestion_would_load(const std::string& instance_dir,
                                             const std::string& name);
Result<CongestionLoad> congestion_load(const std::string& instance_dir, const std::string& name);

// Sockets that chose it keep it until they close; no other can choose it any more. Its maps go too,
// unless there are such sockets, who are seen through them. False: it was not there.
Result<bool> congestion_unload(const std::string& instance_dir, const std::string& name);

// All of ours that sockets of this machine can choose, of whichever instance.
Result<std::vector<CongestionControl>> congestion_list(const std::string& instance_dir = {});

}  // namespace sluice
