// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The congestion control of sockets that listen, which those that they accept inherit. By a BPF
// iterator, since no other process may set an option of a socket.
#pragma once

#include <string>
#include <vector>

#include "model/address.h"
#include "support/result.h"

namespace sluice {

struct ChangedListener {
  HostPort at;         // 0.0.0.0 or ::, where it listens on every address
  std::string before;  // the congestion control that it had
};

// Sockets of this network namespace that listen on the endpoint, or on its port of every address.
// `only`: of these, those that have this one now; empty: all of them. Nobody listens: none.
Result<std::vector<ChangedListener>> set_listeners(const HostPort& endpoint,
                                                   const std::string& name,
                                                   const std::string& only);

}  // namespace sluice
