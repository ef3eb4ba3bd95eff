// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the command line gives to the daemon.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/desired.h"
#include "support/result.h"

namespace sluice {

// Applies a configuration to an instance; returns a sentence per change.
using ApplyFile =
    std::function<Result<std::vector<std::string>>(const std::string& instance, const Desired&)>;

struct DaemonOptions {
  std::string instance;
  std::string file;
  std::optional<HostPort> metrics;  // takes precedence over the file
};

struct DaemonPorts {
  // Reads the file. Of a broken one it has printed every mistake; the error says how many there
  // are.
  std::function<Result<Desired>(const std::string& path)> read_file;
  ApplyFile apply;
  std::function<void(const std::string& sentence)> log;
};

using RunDaemon =
    std::function<Result<void>(const DaemonOptions& options, const DaemonPorts& ports)>;

}  // namespace sluice
