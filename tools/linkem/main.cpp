// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// linkem: an emulated link between two TUN devices, for kernels without netem and for figures that
// netem does not give. It makes the devices, says "ready", and carries packets until it is told to
// end; addresses and routes are the caller's. See queue.h for the model.
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

// The lowest of the real-time priorities: above everything that is not real-time.
constexpr int kPriorityDefault = 1;

struct Options {
  Place left;
  Place right;
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

// A link that drops nothing a well-behaved sender needs: a bandwidth-delay product, and room for
// a burst where that is tiny.
constexpr uint64_t kBufferLeast = 65536;
// Past this a packet would be later than any TCP waits.
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
  app.add_option("--left-netns", options.left.netns, "namespace of the left end")->required();
  app.add_option("--left-name", options.left.device, "its device, which is made")->required();
  app.add_option("--right-netns", options.right.netns, "namespace of the right end")->required();
  app.add_option("--right-name", options.right.device, "its device, which is made")->required();
  app.add_option("--rate", options.rate,
                 "of each direction, like 50mbit; without it, no bottleneck");
  reads_time(app.add_option("--delay", options.delay_ns, "one way, each direction, like 20ms"));
  reads_time(app.add_option("--jitter", options.jitter_ns, "up to this much more, in order"));
  app.add_flag("--reorder", options.reorder, "jitter lets packets overtake each other");
  app.add_option("--detour", options.detours,
                 "ADDRESS=TIME: what goes to this host takes so much longer")
      ->type_name("DETOUR");
  app.add_option("--buffer", options.buffer,
                 "what may wait, drop-tail, like 250kb (default: rate times twice the delay, at "
                 "least 64kib)");
  app.add_option("--loss", options.loss_percent,
                 "percent of packets lost at random, each direction")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 100.0).description(""));
  app.add_option("--ecn-threshold", options.ecn_threshold,
                 "a longer backlog marks ECN-capable packets, like 60kb");
  app.add_option("--seed", options.seed, "of loss and jitter")->capture_default_str();
  app.add_option("--report", options.report, "file for the figures, written at the end, as JSON");
  app.add_option("--priority", options.priority, "real-time priority (SCHED_FIFO); 0: none")
      ->check(CLI::Range(0, 99).description(""))
      ->capture_default_str();
  app.add_flag("--spin", options.spin, "keep a core busy while packets are under way");
  app.footer(
      "Example:\n  linkem --left-netns far --left-name link0 --right-netns wan --right-name link0 "
      "\\\n         --rate 50mbit --delay 20ms --buffer 250kb --report link.json");
}

Result<LinkShape> shape_of(const Options& options) {
  LinkShape shape;
  if (!options.rate.empty()) {
    const auto rate = parse_rate(options.rate);
    if (!rate) return tl::unexpected(rate.error());
    shape.rate_bytes_per_sec = *rate;
  } else if (!options.buffer.empty() || !options.ecn_threshold.empty()) {
    return misused("a buffer or an ECN threshold means nothing without --rate: nothing ever waits");
  }
  shape.delay = nanoseconds(static_cast<int64_t>(options.delay_ns));
  shape.jitter = nanoseconds(static_cast<int64_t>(options.jitter_ns));
  if (options.reorder && options.jitter_ns == 0) {
    return misused("--reorder means nothing without --jitter: all packets take equally long");
  }
  shape.reorder = options.reorder;
  shape.loss = options.loss_percent / 100;
  shape.buffer_bytes =
      std::max(kBufferLeast, static_cast<uint64_t>(static_cast<double>(shape.rate_bytes_per_sec) *
                                                   2 * options.delay_ns / 1e9));
  if (!options.buffer.empty()) {
    const auto buffer = parse_size(options.buffer);
    if (!buffer) return tl::unexpected(buffer.error());
    shape.buffer_bytes = *buffer;
  }
  if (!options.ecn_threshold.empty()) {
    const auto threshold = parse_size(options.ecn_threshold);
    if (!threshold) return tl::unexpected(threshold.error());
    shape.ecn_threshold_bytes = *threshold;
  }
  return shape;
}

// "192.0.2.7=30ms": the host, and how much further away it is.
Result<void> add_detour(const std::string& text, LinkShape& shape, Paths& paths) {
  const size_t equals = text.find('=');
  const auto host = Address::parse(text.substr(0, equals));
  if (!host) return tl::unexpected(host.error());
  std::string time = equals == std::string::npos ? "" : text.substr(equals + 1);
  double detour_ns = -1;
  try {
    time = CLI::AsNumberWithUnit(kTimeUnits, CLI::AsNumberWithUnit::UNIT_REQUIRED)(time);
    detour_ns = std::stod(time);
  } catch (const std::exception&) {
  }
  if (!(detour_ns >= 0 && detour_ns <= kDelayMostNs)) {
    return misused("detour '{}': an address and a time are asked for, like 192.0.2.7=30ms", text);
  }
  paths.add(*host, nanoseconds(static_cast<int64_t>(detour_ns)), shape);
  return {};
}

Result<void> emulate(const Options& options) {
  auto shape = shape_of(options);
  if (!shape) return tl::unexpected(shape.error());
  Paths paths;
  for (const std::string& detour : options.detours) {
    if (auto added = add_detour(detour, *shape, paths); !added) return added;
  }
  const auto ending = ending_signals();
  if (!ending) return tl::unexpected(ending.error());
  auto left = make_tun(options.left);
  if (!left) return tl::unexpected(left.error());
  auto right = make_tun(options.right);
  if (!right) return tl::unexpected(right.error());

  // The directions draw from different sequences: what one loses says nothing about the other.
  Emulator emulator{std::move(*left),
                    std::move(*right),
                    {*shape, paths, options.seed},
                    {*shape, paths, ~options.seed}};
  // A spinning thread gets no priority: it would take the core from everybody.
  run_on_time(options.spin ? 0 : options.priority);
  std::puts("ready");
  std::fflush(stdout);
  const auto started = std::chrono::steady_clock::now();
  auto ended = emulator.run(*ending, options.spin);
  const std::chrono::duration<double> lasted = std::chrono::steady_clock::now() - started;

  if (options.report.empty()) return ended;
  auto report = shape_report(*shape, options.seed);
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
