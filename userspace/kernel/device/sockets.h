// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The program `sockets`, at the root of the control groups: one of an instance, wherever its
// devices are. Pinned as the link links/sockets.
#pragma once

#include <string>

#include "kernel/instance/instance.h"
#include "support/result.h"

namespace sluice {

// Success where it is there already.
Result<void> attach_sockets(Instance& instance);
Result<void> detach_sockets(const std::string& directory);
// Another program in its place; success where none is attached.
Result<void> swap_sockets(const std::string& directory, int program_fd);
[[nodiscard]] bool sockets_are_attached(const std::string& directory);

}  // namespace sluice
