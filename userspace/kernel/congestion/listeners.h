// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sets the congestion control of listening sockets, which accepted sockets inherit. Uses a BPF
// iterator, because a process cannot set options of another process's sockets.
#pragma once

#include <string>
#include <vector>

#include "model/address.h"
#include "support/result.h"

namespace sluice {

struct ChangedListener {
  HostPort at;         // 0.0.0.0 or :: for a wildcard listener
  std::string before;  // its earlier congestion control
};

// Sets `name` for the sockets of this network namespace that listen on the endpoint, or on its port
// with a wildcard address, and returns them. `only`: limits this to sockets that have that
// congestion control now; empty: no limit.
Result<std::vector<ChangedListener>> set_listeners(const HostPort& endpoint,
                                                   const std::string& name,
                                                   const std::string& only);

}  // namespace sluice
