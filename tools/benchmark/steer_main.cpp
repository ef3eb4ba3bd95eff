// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// bench steer: what a packet costs in `steer`, above an empty XDP program. Run through tools/bench,
// which gives it namespaces of its own; the device there and its routes are the caller's.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "benchmark/harness.h"
#include "benchmark/steer_bench.h"
#include "kernel/system/libbpf_log.h"

namespace sluice::benchmark {
namespace {

struct Options {
  std::string device;
  std::string json;
  std::string only;
  bool quick = false;
  bool virtual_time = false;
};

constexpr const char* kRow = "{:<14} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9}  {}\n";

void print_row(const Figure& figure) {
  const auto text = [](double value) {
    return std::isnan(value) ? std::string("-") : fmt::format("{:.1f}", value);
  };
  fmt::print(kRow, figure.name, figure.flows, figure.services, text(figure.net.ns),
             text(figure.net.instructions), text(figure.net.cycles),
             text(std::isnan(figure.empty.ns) ? figure.empty.instructions : figure.empty.ns),
             figure.verified == figure.packets
                 ? "yes"
                 : fmt::format("only {} of {}", figure.verified, figure.packets));
  std::fflush(stdout);
}

nlohmann::ordered_json json_row(const Figure& figure) {
  // What is not known is null.
  const auto rounded = [](double value) { return std::round(value * 100) / 100; };
  return {{"case", figure.name},
          {"flows", figure.flows},
          {"services", figure.services},
          {"ns", rounded(figure.net.ns)},
          {"instructions", rounded(figure.net.instructions)},
          {"cycles", rounded(figure.net.cycles)},
          {"trials", figure.trials},
          {"packets", figure.packets},
          {"verified", figure.verified}};
}

Effort effort_of(const Options& options) {
  // Virtual time repeats to the instruction, and passes slowly.
  if (options.virtual_time) return {.trials = 5, .packets = 1 << 12, .clock = Clock::virtual_time};
  return options.quick ? Effort{.trials = 31} : Effort{};
}

Result<std::vector<Figure>> measure_all(const Options& options) {
  if (auto done = stay_on_one_cpu(); !done) return tl::unexpected(done.error());
  libbpf_log_capture();
  auto ifindex = device_with_xdp(options.device);
  if (!ifindex) return tl::unexpected(ifindex.error());
  auto bench = SteerBench::open(*ifindex, effort_of(options));
  if (!bench) return tl::unexpected(bench.error());

  // An emulator has no caches, so that more of anything changes nothing there.
  const std::vector<uint32_t> flows =
      options.virtual_time ? std::vector<uint32_t>{1} : std::vector<uint32_t>{1, 1 << 16, 1 << 20};
  const std::vector<uint32_t> services = options.quick || options.virtual_time
                                             ? std::vector<uint32_t>{1}
                                             : std::vector<uint32_t>{1, 1000, 10000};
  std::vector<Figure> figures;
  fmt::print(kRow, "case", "flows", "services", "ns", "instr", "cycles", "empty", "verified");
  for (const uint32_t count : services) {
    for (const Case& one : kSteerCases) {
      if (!options.only.empty() && options.only != one.name) continue;
      // A program that knows no services costs the same with any number of them.
      if (count > 1 && (one.way == Way::nothing || one.way == Way::bare)) continue;
      auto measured = bench->measure(one, count, flows);
      if (!measured) return tl::unexpected(measured.error());
      for (const Figure& figure : *measured) {
        print_row(figure);
        figures.push_back(figure);
      }
    }
  }
  return figures;
}

int fail(const Error& error) {
  fmt::print(stderr, "bench steer: {}\n", error.text);
  return static_cast<int>(error.kind);
}

int run(const Options& options) {
  auto figures = measure_all(options);
  if (!figures) return fail(figures.error());
  if (!options.json.empty()) {
    auto rows = nlohmann::ordered_json::array();
    for (const Figure& figure : *figures) rows.push_back(json_row(figure));
    if (auto written = write_json(options.json, rows); !written) return fail(written.error());
  }
  const auto astray = std::count_if(figures->begin(), figures->end(), [](const Figure& figure) {
    return figure.verified != figure.packets;
  });
  fmt::print("{} figures, each net of an empty program; {} not verified\n", figures->size(),
             astray);
  return astray == 0 ? 0 : 1;
}

}  // namespace
}  // namespace sluice::benchmark

int main(int argc, char** argv) {
  using namespace sluice::benchmark;
  CLI::App app("What a packet costs in steer, net of an empty XDP program; medians.");
  Options options;
  std::vector<std::string> names;
  for (const Case& one : kSteerCases) names.emplace_back(one.name);
  app.add_option("--device", options.device, "where packets come from and leave")->required();
  app.add_option("--json", options.json, "writes the figures there as well")->type_name("FILE");
  app.add_option("--only", options.only, "measures this case alone")
      ->type_name("CASE")
      ->check(CLI::IsMember(names));
  app.add_flag("--quick", options.quick, "one service, 31 trials");
  app.add_flag("--virtual-time", options.virtual_time,
               "CPU time counts instructions, as in tests/vm/run --virtual-time; one service");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return run(options);
}
