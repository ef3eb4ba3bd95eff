// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/cost_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "benchmark/harness.h"
#include "kernel/system/libbpf_log.h"

namespace sluice::benchmark {

Effort CostOptions::effort() const {
  // Virtual time is exact to the instruction but slow.
  if (virtual_time) return {.trials = 5, .packets = 1 << 12, .clock = Clock::virtual_time};
  return quick ? Effort{.trials = 31} : Effort{};
}

std::vector<uint32_t> CostOptions::flows(std::vector<uint32_t> otherwise) const {
  return virtual_time ? std::vector<uint32_t>{1} : std::move(otherwise);
}

CostCommand::CostCommand(CostTexts texts) : texts_(std::move(texts)), app_(texts_.description) {
  const std::string_view services = texts_.has_services ? "one service" : "";
  const auto with = [&](const std::string& text) {
    return services.empty() ? text : fmt::format("{}, {}", text, services);
  };
  app_.add_option("--json", options_.json, "also write the figures to this file")
      ->type_name("FILE");
  app_.add_option("--only", options_.only, "measure one case")
      ->type_name("CASE")
      ->check(CLI::IsMember(texts_.cases));
  app_.add_flag("--quick", options_.quick, with("31 trials"));
  app_.add_flag("--virtual-time", options_.virtual_time,
                with("CPU time counts instructions, as in tests/vm/run --virtual-time; one flow"));
}

void CostCommand::print_header() const {
  fmt::print("{:<14} {:>8} ", "case", "flows");
  if (texts_.has_services) fmt::print("{:>8} ", "services");
  fmt::print("{:>8} {:>8} {:>8} {:>9}  {}\n", "ns", "instr", "cycles", "empty", "verified");
  std::fflush(stdout);
}

void CostCommand::print_row(const Figure& figure) const {
  const auto text = [](double value) {
    return std::isnan(value) ? std::string("-") : fmt::format("{:.1f}", value);
  };
  fmt::print("{:<14} {:>8} ", figure.name, figure.flows);
  if (texts_.has_services) fmt::print("{:>8} ", figure.services);
  fmt::print(
      "{:>8} {:>8} {:>8} {:>9}  {}\n", text(figure.net.ns), text(figure.net.instructions),
      text(figure.net.cycles),
      text(std::isnan(figure.empty.ns) ? figure.empty.instructions : figure.empty.ns),
      figure.is_verified() ? "yes" : fmt::format("only {} of {}", figure.verified, figure.packets));
  std::fflush(stdout);
}

nlohmann::ordered_json CostCommand::json_row(const Figure& figure) const {
  // Unknown values are NaN, which JSON writes as null.
  const auto rounded = [](double value) { return std::round(value * 100) / 100; };
  nlohmann::ordered_json row{{"case", figure.name}, {"flows", figure.flows}};
  if (texts_.has_services) row["services"] = figure.services;
  row["ns"] = rounded(figure.net.ns);
  row["instructions"] = rounded(figure.net.instructions);
  row["cycles"] = rounded(figure.net.cycles);
  row["trials"] = figure.trials;
  row["packets"] = figure.packets;
  row["verified"] = figure.verified;
  return row;
}

Result<std::vector<Figure>> CostCommand::measure_all(const Measure& measure) const {
  TRY(stay_on_one_cpu());
  libbpf_log_capture();
  print_header();
  std::vector<Figure> figures;
  TRY(measure(options_, [&](const Figure& figure) {
    print_row(figure);
    figures.push_back(figure);
  }));
  if (!options_.json.empty()) {
    auto rows = nlohmann::ordered_json::array();
    for (const Figure& figure : figures) rows.push_back(json_row(figure));
    TRY(write_json(options_.json, rows));
  }
  return figures;
}

int CostCommand::run(int argc, char** argv, const Measure& measure) {
  if (const auto status = parse(app_, argc, argv)) return *status;
  const auto figures = measure_all(measure);
  if (!figures) return print_error(texts_.name, figures.error());
  const auto unverified = std::count_if(figures->begin(), figures->end(),
                                        [](const Figure& one) { return !one.is_verified(); });
  fmt::print("{} figures, each net of an empty program; {} not verified\n", figures->size(),
             unverified);
  return unverified == 0 ? 0 : 1;
}

}  // namespace sluice::benchmark
