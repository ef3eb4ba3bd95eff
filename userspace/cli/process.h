// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The process around cli/run.h. stdout is written after the command is done: a reader that closes
// the pipe early (`sluice flow list | head`) can neither interrupt a change nor make it fail.
#pragma once

#include "daemon/daemon_ports.h"

namespace sluice {

// Returns the exit status.
int run_process(int argc, char** argv, const RunDaemon& daemon);

}  // namespace sluice
