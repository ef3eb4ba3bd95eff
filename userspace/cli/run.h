// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line as a function, so that a test needs no process.
#pragma once

#include <ostream>

#include "daemon/daemon_ports.h"

namespace sluice {

// Returns the exit status: 0 done, 1 failed, 2 misused. Data goes to `out`, messages to `err`. An
// error is one sentence on `err`, also with --json. `daemon` does the work of `sluice run`.
int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
        const RunDaemon& daemon);

}  // namespace sluice
