// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command of a benchmark that measures what packets cost in a program: its options, its table,
// its JSON and its exit status. `bench steer` and `bench pace` are two of them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "benchmark/cost.h"
#include "support/result.h"

namespace sluice::benchmark {

struct CostOptions {
  std::string json;
  std::string only;
  bool quick = false;
  bool virtual_time = false;

  [[nodiscard]] bool asks_for(std::string_view name) const { return only.empty() || only == name; }
  [[nodiscard]] Effort effort() const;
  // The flow counts to measure, fewest first. Virtual time: one flow, because an emulator has no
  // caches that more flows could miss.
  [[nodiscard]] std::vector<uint32_t> flows(std::vector<uint32_t> otherwise) const;
};

struct CostTexts {
  std::string name;  // of the command
  std::string description;
  std::vector<std::string> cases;
  bool has_services = false;  // figures have a number of services
};

class CostCommand {
 public:
  using Report = std::function<void(const Figure&)>;
  using Measure = std::function<Result<void>(const CostOptions&, const Report&)>;

  explicit CostCommand(CostTexts texts);

  [[nodiscard]] CLI::App& app() { return app_; }
  // Parses, measures and prints; returns the exit status. 1: an error, or a figure whose packets
  // the program's own counters do not confirm.
  int run(int argc, char** argv, const Measure& measure);

 private:
  void print_header() const;
  void print_row(const Figure& figure) const;
  [[nodiscard]] nlohmann::ordered_json json_row(const Figure& figure) const;
  Result<std::vector<Figure>> measure_all(const Measure& measure) const;

  CostTexts texts_;
  CostOptions options_;
  CLI::App app_;
};

}  // namespace sluice::benchmark
