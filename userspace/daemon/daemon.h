// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice run: applies a file and follows its changes, looks after the health of backends, settles
// what moved, and tells Prometheus. Whatever it knows is in the kernel, so that it may stop or be
// killed at any moment: traffic goes on, and the next one takes over as things stand.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "daemon/kernel_work.h"
#include "model/desired.h"
#include "support/result.h"

namespace sluice {

struct DaemonOptions {
  std::string instance;
  std::string file;
  std::optional<HostPort> metrics;  // in place of what the file says
};

struct DaemonPorts {
  // Reads the file; a broken one has been complained about already, and the error says how much.
  std::function<Result<Desired>(const std::string& path)> read_file;
  ApplyFile apply;
  std::function<void(const std::string& words)> say;
};

// Until SIGTERM or SIGINT, which is success. Refuses to begin with a broken file, and where another
// one runs; ends with an error when its instance is removed.
Result<void> run_daemon(const DaemonOptions& options, const DaemonPorts& ports);

}  // namespace sluice
