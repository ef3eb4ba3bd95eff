// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What all benchmarks of programs share besides measuring: CPU affinity, command line, errors and
// JSON.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "support/result.h"

namespace sluice::benchmark {

// Pins the thread to its CPU, so that a trial does not move to cold caches.
Result<void> stay_on_one_cpu();

// Writes an array with one object per figure; unknown values are null.
Result<void> write_json(const std::string& path, const nlohmann::ordered_json& rows);

// The exit status, if the process has to end: 0 after --help, 2 for a wrong command line.
std::optional<int> parse(CLI::App& app, int argc, char** argv);

// Prints "bench NAME: ..." and returns the exit status.
int print_error(const std::string& name, const Error& error);

}  // namespace sluice::benchmark
