// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// bench steer: the cost of a packet in `steer`, net of an empty XDP program. tools/bench runs it in
// namespaces of its own and makes the device and its routes there.
#include "benchmark/cost_command.h"
#include "benchmark/steer_bench.h"

namespace sluice::benchmark {
namespace {

Result<void> measure(const std::string& device, const CostOptions& options,
                     const CostCommand::Report& report) {
  SteerBench bench = TRY(SteerBench::open(TRY(device_with_xdp(device)), options.effort()));
  const std::vector<uint32_t> flows = options.flows({1, 1 << 16, 1 << 20});
  const std::vector<uint32_t> services = options.quick || options.virtual_time
                                             ? std::vector<uint32_t>{1}
                                             : std::vector<uint32_t>{1, 1000, 10000};
  for (const uint32_t count : services) {
    for (const Case& one : kSteerCases) {
      if (!options.asks_for(one.name)) continue;
      // Programs without services cost the same for any number of them.
      if (count > 1 && (one.path == Path::empty || one.path == Path::encapsulation)) continue;
      const std::vector<Figure> figures = TRY(bench.measure(one, count, flows));
      for (const Figure& figure : figures) report(figure);
    }
  }
  return {};
}

}  // namespace
}  // namespace sluice::benchmark

int main(int argc, char** argv) {
  using namespace sluice::benchmark;
  std::vector<std::string> names;
  for (const Case& one : kSteerCases) names.emplace_back(one.name);
  CostCommand command({.name = "steer",
                       .description = "The cost of a packet in steer, net of an empty XDP "
                                      "program; medians.",
                       .cases = names,
                       .has_services = true});
  std::string device;
  command.app().add_option("--device", device, "where packets come from and leave")->required();
  return command.run(argc, argv,
                     [&](const CostOptions& options, const CostCommand::Report& report) {
                       return measure(device, options, report);
                     });
}
