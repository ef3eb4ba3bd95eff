// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// bench pace: what a packet costs in `pace`, above an empty tc program. Run through tools/bench,
// which gives it namespaces of its own.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "benchmark/harness.h"
#include "benchmark/pace/cost_bench.h"
#include "kernel/system/libbpf_log.h"

namespace sluice::benchmark {
namespace {

struct Options {
  std::string json;
  std::string only;
  bool quick = false;
  bool virtual_time = false;
};

constexpr const char* kRow = "{:<14} {:>8} {:>8} {:>8} {:>8} {:>9}  {}\n";

void print_row(const PaceFigure& figure) {
  const auto text = [](double value) {
    return std::isnan(value) ? std::string("-") : fmt::format("{:.1f}", value);
  };
  fmt::print(kRow, figure.name, figure.flows, text(figure.net.ns), text(figure.net.instructions),
             text(figure.net.cycles),
             text(std::isnan(figure.empty.ns) ? figure.empty.instructions : figure.empty.ns),
             figure.verified == figure.packets
                 ? "yes"
                 : fmt::format("only {} of {}", figure.verified, figure.packets));
  std::fflush(stdout);
}

nlohmann::ordered_json json_row(const PaceFigure& figure) {
  const auto rounded = [](double value) { return std::round(value * 100) / 100; };
  return {{"case", figure.name},
          {"flows", figure.flows},
          {"ns", rounded(figure.net.ns)},
          {"instructions", rounded(figure.net.instructions)},
          {"cycles", rounded(figure.net.cycles)},
          {"trials", figure.trials},
          {"packets", figure.packets},
          {"verified", figure.verified}};
}

PaceEffort effort_of(const Options& options) {
  // Virtual time repeats to the instruction, and passes slowly.
  if (options.virtual_time) return {.trials = 5, .packets = 1 << 12, .clock = Clock::virtual_time};
  return options.quick ? PaceEffort{.trials = 31} : PaceEffort{};
}

Result<std::vector<PaceFigure>> measure_all(const Options& options) {
  if (auto done = stay_on_one_cpu(); !done) return tl::unexpected(done.error());
  libbpf_log_capture();
  // An emulator has no caches, so that more of anything changes nothing there.
  const std::vector<uint32_t> flows =
      options.virtual_time ? std::vector<uint32_t>{1} : std::vector<uint32_t>{1, 1000, 100'000};
  auto bench = PaceCostBench::open(flows.back(), effort_of(options));
  if (!bench) return tl::unexpected(bench.error());
  std::vector<PaceFigure> figures;
  fmt::print(kRow, "case", "flows", "ns", "instr", "cycles", "empty", "verified");
  std::fflush(stdout);
  for (const PaceCase& one : kPaceCases) {
    if (!options.only.empty() && options.only != one.name) continue;
    auto measured = bench->measure(one, flows);
    if (!measured) return tl::unexpected(measured.error());
    for (const PaceFigure& figure : *measured) {
      print_row(figure);
      figures.push_back(figure);
    }
  }
  return figures;
}

int fail(const Error& error) {
  fmt::print(stderr, "bench pace: {}\n", error.text);
  return static_cast<int>(error.kind);
}

int run(const Options& options) {
  auto figures = measure_all(options);
  if (!figures) return fail(figures.error());
  if (!options.json.empty()) {
    auto rows = nlohmann::ordered_json::array();
    for (const PaceFigure& figure : *figures) rows.push_back(json_row(figure));
    if (auto written = write_json(options.json, rows); !written) return fail(written.error());
  }
  const auto astray = std::count_if(figures->begin(), figures->end(), [](const PaceFigure& figure) {
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
  CLI::App app("What a packet to a client costs in pace, net of an empty tc program; medians.");
  Options options;
  std::vector<std::string> names;
  for (const PaceCase& one : kPaceCases) names.emplace_back(one.name);
  app.add_option("--json", options.json, "writes the figures there as well")->type_name("FILE");
  app.add_option("--only", options.only, "measures this case alone")
      ->type_name("CASE")
      ->check(CLI::IsMember(names));
  app.add_flag("--quick", options.quick, "31 trials");
  app.add_flag("--virtual-time", options.virtual_time,
               "CPU time counts instructions, as in tests/vm/run --virtual-time; one flow");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return run(options);
}
