// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// bench flood: connections of a service with all slots moving, while SYNs of ten million other
// clients arrive. Half of the connections begin before the move and half during it; each must stay
// tracked with its backend and reach it. tools/bench runs it in namespaces of its own.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "benchmark/director.h"
#include "benchmark/harness.h"
#include "benchmark/traffic.h"
#include "kernel/system/libbpf_log.h"

namespace sluice::benchmark {
namespace {

struct Options {
  std::string device;
  std::string json;
  uint32_t syns = 10'000'000;
};

// Per kind; together far below the capacity of the flow table.
constexpr uint32_t kConnections = 1 << 14;
constexpr uint32_t kClients = 1 << 24;
constexpr uint32_t kBatch = 1 << 20;

struct FlowBefore {
  bool operator()(const sluice_flow& a, const sluice_flow& b) const {
    return memcmp(&a, &b, sizeof(a)) < 0;
  }
};
using Backends = std::map<sluice_flow, uint32_t, FlowBefore>;

struct Outcome {
  uint64_t connections = 0;
  uint64_t kept = 0;       // tracked with the same backend after the flood
  uint64_t went_on = 0;    // packets of them that reached a backend after the flood
  uint64_t half_open = 0;  // entries after the flood
};

Result<Backends> established(Director& director) {
  const auto tracked = TRY(director.tracked());
  Backends backends;
  for (const auto& flow : tracked)
    if (!flow.half_open) backends.emplace(flow.flow, flow.backend);
  return backends;
}

Result<void> send(Traffic& traffic, uint32_t first, uint32_t packets, Opening opening) {
  traffic.prepare({.flows = kClients, .first = first, .opening = opening});
  for (uint32_t sent = 0; sent < packets; sent += kBatch) {
    TRY(traffic.send(std::min(kBatch, packets - sent)));
  }
  return {};
}

// The first kConnections clients are in mid-connection; the next ones begin during the move.
Result<void> connect(Director& director, Traffic& traffic) {
  TRY(director.set_rings(Rings::moving));
  TRY(send(traffic, 0, kConnections, Opening::no));
  TRY(send(traffic, kConnections, kConnections, Opening::yes));
  return send(traffic, kConnections, kConnections, Opening::no);
}

Result<Outcome> flood(Director& director, Traffic& traffic, uint32_t syns) {
  Outcome outcome{.connections = 2 * kConnections};
  TRY(connect(director, traffic));
  const Backends before = TRY(established(director));
  TRY(send(traffic, 2 * kConnections, syns, Opening::yes));
  const Backends after = TRY(established(director));
  for (const auto& [flow, backend] : before) {
    const auto found = after.find(flow);
    if (found != after.end() && found->second == backend) outcome.kept++;
  }
  const auto everything = TRY(director.tracked());
  for (const auto& flow : everything) outcome.half_open += flow.half_open ? 1 : 0;

  // From now on packets of connections that are no longer tracked are dropped.
  TRY(director.set_rings(Rings::hit_only));
  const Tally tally = TRY(director.tally());
  TRY(send(traffic, 0, 2 * kConnections, Opening::no));
  outcome.went_on = (TRY(director.tally()) - tally).to_backends;
  return outcome;
}

Result<Outcome> measure(const Options& options) {
  TRY(stay_on_one_cpu());
  libbpf_log_capture();
  const uint32_t ifindex = TRY(device_with_xdp(options.device));
  const std::unique_ptr<Director> director = TRY(Director::make({}));
  Traffic traffic = TRY(Traffic::load(ifindex));
  TRY(traffic.aim_at(director->program()));
  return flood(*director, traffic, options.syns);
}

int run(const Options& options) {
  auto outcome = measure(options);
  if (!outcome) return print_error("flood", outcome.error());
  fmt::print(
      "{} connections of a service with all slots moving, {} SYNs of other clients:\n"
      "{} are tracked with their backend, {} reach it; {} half-open entries remain\n",
      outcome->connections, options.syns, outcome->kept, outcome->went_on, outcome->half_open);
  if (!options.json.empty()) {
    const auto rows = nlohmann::ordered_json::array({{{"case", "flood"},
                                                      {"connections", outcome->connections},
                                                      {"syns", options.syns},
                                                      {"kept", outcome->kept},
                                                      {"went_on", outcome->went_on},
                                                      {"half_open", outcome->half_open}}});
    if (auto written = write_json(options.json, rows); !written)
      return print_error("flood", written.error());
  }
  const bool whole =
      outcome->kept == outcome->connections && outcome->went_on == outcome->connections;
  return whole ? 0 : 1;
}

}  // namespace
}  // namespace sluice::benchmark

int main(int argc, char** argv) {
  using namespace sluice::benchmark;
  CLI::App app("Connections of a moving service under a flood of SYNs.");
  Options options;
  app.add_option("--device", options.device, "where packets come from and leave")->required();
  app.add_option("--json", options.json, "also write the figures to this file")->type_name("FILE");
  app.add_option("--syns", options.syns, "number of SYNs, each from another client")
      ->type_name("N")
      ->check(CLI::Range(1u, kClients - 2 * kConnections));
  if (const auto status = parse(app, argc, argv)) return *status;
  return run(options);
}
