// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// linkem: an emulated link between two TUN devices, for kernels without netem and for figures that
// netem does not give. It makes the devices, prints "ready", and carries packets until SIGTERM or
// SIGINT. The caller sets addresses and routes. queue.h has the model.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "linkem/emulator.h"
#include "linkem/report.h"
#include "linkem/tun.h"
#include "model/quantity.h"

namespace sluice::linkem {
namespace {

// The lowest real-time priority: above all threads that are not real-time.
constexpr int kPriorityDefault = 1;

struct Options {
  TunName left;
  TunName right;
  std::string rate;
  std::string buffer;
  std::string ecn_threshold;
  double delay_ns = 0;
  double jitter_ns = 0;
  bool reorder = false;
  std::vector<std::string> detours;
  double loss_percent = 0;
  uint64_t seed = 1;
  std::string report;
  int priority = kPriorityDefault;
  bool spin = false;
};

// The least default buffer: room for a burst where the bandwidth-delay product is tiny.
constexpr uint64_t kBufferLeast = 65536;
// The maximum delay and jitter: longer than any TCP waits.
constexpr double kDelayMostNs = 60e9;

const std::map<std::string, double> kTimeUnits{{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};

// CLI11 reads the number and its unit; nanoseconds in a double are exact to 104 days.
void reads_time(CLI::Option* option) {
  option->type_name("TIME")
      ->transform(
          CLI::AsNumberWithUnit(kTimeUnits, CLI::AsNumberWithUnit::UNIT_REQUIRED).description(""))
      ->check(CLI::Range(0.0, kDelayMostNs).description(""));
}

void setup(CLI::App& app, Options& options) {
  app.add_option("--left-netns", options.left.netns, "network namespace of the left end")
      ->required();
  app.add_option("--left-name", options.left.device, "device to make there")->required();
  app.add_option("--right-netns", options.right.netns, "network namespace of the right end")
      ->required();
  app.add_option("--right-name", options.right.device, "device to make there")->required();
  app.add_option("--rate", options.rate, "per direction, like 50mbit (default: no bottleneck)");
  reads_time(app.add_option("--delay", options.delay_ns, "one-way, per direction, like 20ms"));
  reads_time(
      app.add_option("--jitter", options.jitter_ns, "maximum additional delay; order is kept"));
  app.add_flag("--reorder", options.reorder, "let packets with less jitter overtake");
  app.add_option("--detour", options.detours,
                 "ADDRESS=TIME: additional one-way delay of packets to this host")
      ->type_name("DETOUR");
  app.add_option("--buffer", options.buffer,
                 "drop-tail buffer, like 250kb (default: rate times twice the delay, at least "
                 "64kib)");
  app.add_option("--loss", options.loss_percent, "random loss in percent of packets, per direction")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 100.0).description(""));
  app.add_option("--ecn-threshold", options.ecn_threshold,
                 "backlog above which ECN-capable packets are marked, like 60kb");
  app.add_option("--seed", options.seed, "seed of loss and jitter")->capture_default_str();
  app.add_option("--report", options.report, "write the figures to this file at the end, as JSON");
  app.add_option("--priority", options.priority, "real-time priority (SCHED_FIFO); 0: none")
      ->check(CLI::Range(0, 99).description(""))
      ->capture_default_str();
  app.add_flag("--spin", options.spin, "keep a core busy while packets are in flight");
  app.footer(
      "Example:\n  linkem --left-netns far --left-name link0 --right-netns wan --right-name link0 "
      "\\\n         --rate 50mbit --delay 20ms --buffer 250kb --report link.json");
}

Result<LinkShape> shape_of(const Options& options) {
  LinkShape shape;
  if (!options.rate.empty()) {
    shape.rate_bytes_per_sec = TRY(parse_rate(options.rate));
  } else if (!options.buffer.empty() || !options.ecn_threshold.empty()) {
    return misused("--buffer and --ecn-threshold need --rate: without a rate there is no queue");
  }
  shape.delay = nanoseconds(static_cast<int64_t>(options.delay_ns));
  shape.jitter = nanoseconds(static_cast<int64_t>(options.jitter_ns));
  if (options.reorder && options.jitter_ns == 0) {
    return misused("--reorder needs --jitter: with equal delays packets keep their order");
  }
  shape.reorder = options.reorder;
  shape.loss = options.loss_percent / 100;
  shape.buffer_bytes =
      std::max(kBufferLeast, static_cast<uint64_t>(static_cast<double>(shape.rate_bytes_per_sec) *
                                                   2 * options.delay_ns / 1e9));
  if (!options.buffer.empty()) shape.buffer_bytes = TRY(parse_size(options.buffer));
  if (!options.ecn_threshold.empty())
    shape.ecn_threshold_bytes = TRY(parse_size(options.ecn_threshold));
  return shape;
}

// "192.0.2.7=30ms": a host and its additional delay.
Result<void> add_detour(const std::string& text, LinkShape& shape, Paths& paths) {
  const size_t equals = text.find('=');
  const Address host = TRY(Address::parse(text.substr(0, equals)));
  std::string time = equals == std::string::npos ? "" : text.substr(equals + 1);
  double detour_ns = -1;
  try {
    time = CLI::AsNumberWithUnit(kTimeUnits, CLI::AsNumberWithUnit::UNIT_REQUIRED)(time);
    detour_ns = std::stod(time);
  } catch (const std::exception&) {
  }
  if (!(detour_ns >= 0 && detour_ns <= kDelayMostNs)) {
    return misused("detour '{}': it must be an address and a time, like 192.0.2.7=30ms", text);
  }
  paths.add(host, nanoseconds(static_cast<int64_t>(detour_ns)), shape);
  return {};
}

Result<void> emulate(const Options& options) {
  LinkShape shape = TRY(shape_of(options));
  Paths paths;
  for (const std::string& detour : options.detours) TRY(add_detour(detour, shape, paths));
  const Fd ending = TRY(ending_signals());
  Fd left = TRY(make_tun(options.left));
  Fd right = TRY(make_tun(options.right));

  // Each direction has its own random sequence, so that their losses are independent.
  Emulator emulator{std::move(left),
                    std::move(right),
                    {shape, paths, options.seed},
                    {shape, paths, ~options.seed}};
  // A spinning thread with real-time priority would starve all others on its core.
  run_on_time(options.spin ? 0 : options.priority);
  std::puts("ready");
  std::fflush(stdout);
  const auto started = std::chrono::steady_clock::now();
  auto ended = emulator.run(ending, options.spin);
  const std::chrono::duration<double> lasted = std::chrono::steady_clock::now() - started;

  if (options.report.empty()) return ended;
  auto report = shape_report(shape, options.seed);
  report["seconds"] = lasted.count();
  report["left_to_right"] = direction_report(emulator.left_to_right, device_drops(options.left));
  report["right_to_left"] = direction_report(emulator.right_to_left, device_drops(options.right));
  const auto written = write_report(options.report, report);
  return ended ? written : ended;
}

}  // namespace
}  // namespace sluice::linkem

int main(int argc, char** argv) {
  sluice::linkem::Options options;
  CLI::App app{"An emulated link between two TUN devices in two network namespaces.", "linkem"};
  sluice::linkem::setup(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const auto done = sluice::linkem::emulate(options);
  if (done) return 0;
  std::fprintf(stderr, "linkem: %s\n", done.error().text.c_str());
  return static_cast<int>(done.error().kind);
}
