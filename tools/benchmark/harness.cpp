// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/harness.h"

#include <fmt/format.h>
#include <sched.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernel/system/system_error.h"

namespace sluice::benchmark {

Result<void> stay_on_one_cpu() {
  const int cpu = sched_getcpu();
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<size_t>(cpu < 0 ? 0 : cpu), &cpus);
  if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
    return failed("staying on CPU {}: {}", cpu, error_text(errno));
  return {};
}

Result<void> write_json(const std::string& path, const nlohmann::ordered_json& rows) {
  std::ofstream file(path);
  file << rows.dump(2) << '\n';
  file.close();
  if (!file) return failed("{}: it cannot be written", path);
  return {};
}

std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return {};
}

int print_error(const std::string& name, const Error& error) {
  fmt::print(stderr, "bench {}: {}\n", name, error.text);
  return static_cast<int>(error.kind);
}

}  // namespace sluice::benchmark
