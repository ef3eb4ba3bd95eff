// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// tools/bench checks: the cost of health checks. Runs TCP checks of a listener in another network
// namespace at a fixed rate, counts the answers, and reports the CPU time of this process, user and
// system, which includes the kernel's work on its behalf.
#include <sys/resource.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "daemon/prober.h"

namespace sluice {
namespace {

struct Options {
  std::string first = "10.77.0.2";
  uint32_t backends = 10000;
  uint16_t port = 80;
  uint32_t interval_ms = 1000;
  uint32_t seconds = 10;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

CheckCounts sum(const Prober& prober) {
  CheckCounts all;
  for (const auto& [kind, counts] : prober.totals()) {
    all.passed += counts.passed;
    all.failed += counts.failed;
    all.timed_out += counts.timed_out;
    all.unable += counts.unable;
  }
  return all;
}

int run(const Options& options) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  EventLoop loop;
  Prober prober(loop, 1, [](const BackendName&, bool, const std::string&) {});
  HealthCheck check;
  check.interval_ms = options.interval_ms;
  check.timeout_ms = std::min(options.interval_ms, 1000U);
  check.jitter_percent = 0;
  const auto shared = std::make_shared<const HealthCheck>(check);
  std::vector<Watched> all;
  for (uint32_t i = 0; i < options.backends; i++) {
    Watched watched;
    watched.name = {"bench", std::to_string(i)};
    watched.check = shared;
    watched.subject.at = {Address::parse(options.first).value(), options.port};
    all.push_back(watched);
  }
  prober.watch(all);

  // Measured after the first interval, over which the checks are spread.
  CheckCounts before;
  double cpu_before = 0;
  uint64_t began_ns = 0;
  nlohmann::ordered_json result;
  Timer begin(loop, [&] {
    before = sum(prober);
    cpu_before = cpu_seconds();
    began_ns = uv_hrtime();
  });
  Timer end(loop, [&] {
    const CheckCounts after = sum(prober);
    const double took = static_cast<double>(uv_hrtime() - began_ns) / 1e9;
    const auto rate = [&](uint64_t now, uint64_t then) {
      return static_cast<double>(now - then) / took;
    };
    const double core = (cpu_seconds() - cpu_before) / took;
    const double well = rate(after.passed, before.passed);
    result = {{"backends", options.backends},
              {"well_per_s", well},
              {"bad_per_s", rate(after.failed, before.failed)},
              {"unable_per_s", rate(after.unable, before.unable)},
              {"cores", core},
              {"us_per_check", core / well * 1e6}};
    loop.stop();
  });
  begin.start(options.interval_ms + 500);
  end.start(options.interval_ms + 500 + uint64_t{options.seconds} * 1000);
  loop.run();
  std::cout << result.dump(2) << '\n';
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  sluice::Options options;
  CLI::App app("The cost of health checks, in the network that tools/bench checks makes.");
  app.add_option("--address", options.first, "address of the listener");
  app.add_option("--port", options.port, "port of the listener");
  app.add_option("--backends", options.backends, "number of backends that are checked");
  app.add_option("--interval-ms", options.interval_ms, "interval of the checks of each backend");
  app.add_option("--seconds", options.seconds, "duration of the measurement");
  CLI11_PARSE(app, argc, argv);
  return sluice::run(options);
}
