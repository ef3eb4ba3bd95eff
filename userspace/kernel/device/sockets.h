// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The program `sockets`, attached once per instance to the root of the control groups. Its link is
// pinned as links/sockets.
#pragma once

#include <string>

#include "kernel/state/instance_directory.h"
#include "support/result.h"

namespace sluice {

// Success if it is attached already.
Result<void> attach_sockets(const InstanceDirectory& instance);
Result<void> detach_sockets(const std::string& directory);
// Replaces the program; success if none is attached.
Result<void> swap_sockets(const std::string& directory, int program_fd);
[[nodiscard]] bool sockets_are_attached(const std::string& directory);

}  // namespace sluice
