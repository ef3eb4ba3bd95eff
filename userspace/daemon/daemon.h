// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice run: applies a file and follows its changes, checks the health of backends, adapts
// weights, settles moving slots, and serves metrics. All state is kept in kernel maps: the daemon
// can be killed at any time without affecting traffic, and the next one continues from there.
#pragma once

#include "daemon/daemon_ports.h"

namespace sluice {

// Runs until SIGTERM or SIGINT, which is success. Refuses to start with a broken file, and if
// another daemon runs for the instance. Ends with an error when the instance is removed.
Result<void> run_daemon(const DaemonOptions& options, const DaemonPorts& ports);

}  // namespace sluice
