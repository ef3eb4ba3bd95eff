// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// bench pace: the cost of a packet in `pace`, net of an empty tc program. tools/bench runs it in
// namespaces of its own.
#include "benchmark/cost_command.h"
#include "benchmark/pace/cost_bench.h"

namespace sluice::benchmark {
namespace {

Result<void> measure(const CostOptions& options, const CostCommand::Report& report) {
  const std::vector<uint32_t> flows = options.flows({1, 1000, 100'000});
  PaceCostBench bench = TRY(PaceCostBench::open(flows.back(), options.effort()));
  for (const PaceCase& one : kPaceCases) {
    if (!options.asks_for(one.name)) continue;
    const std::vector<Figure> figures = TRY(bench.measure(one, flows));
    for (const Figure& figure : figures) report(figure);
  }
  return {};
}

}  // namespace
}  // namespace sluice::benchmark

int main(int argc, char** argv) {
  using namespace sluice::benchmark;
  std::vector<std::string> names;
  for (const PaceCase& one : kPaceCases) names.emplace_back(one.name);
  CostCommand command({.name = "pace",
                       .description =
                           "The cost of a packet to a client in pace, net of an empty tc program; "
                           "medians.",
                       .cases = names});
  return command.run(argc, argv, measure);
}
