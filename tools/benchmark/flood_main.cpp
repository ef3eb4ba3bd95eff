// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// bench flood: connections of a service whose every slot moves, while SYNs of ten million other
// clients arrive. They are those that began before the move and those that began in it; each must
// be tracked with the backend that it had, and go on to it. Run through tools/bench, which gives
// it namespaces of its own.
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

// Each kind; together far fewer than the table of flows has room for.
constexpr uint32_t kConnections = 1 << 14;
constexpr uint32_t kClients = 1 << 24;  // flows that there are at all
constexpr uint32_t kBatch = 1 << 20;

struct FlowBefore {
  bool operator()(const sluice_flow& a, const sluice_flow& b) const {
    return memcmp(&a, &b, sizeof(a)) < 0;
  }
};
using Backends = std::map<sluice_flow, uint32_t, FlowBefore>;

struct Outcome {
  uint64_t connections = 0;
  uint64_t kept = 0;       // with the backend that they had
  uint64_t went_on = 0;    // packets of them that left for a backend after the flood
  uint64_t half_open = 0;  // entries that the flood left
};

Result<Backends> established(Director& director) {
  auto tracked = director.tracked();
  if (!tracked) return tl::unexpected(tracked.error());
  Backends backends;
  for (const auto& flow : *tracked)
    if (!flow.half_open) backends.emplace(flow.flow, flow.backend);
  return backends;
}

Result<void> send(Traffic& traffic, uint32_t first, uint32_t packets, Opening opening) {
  traffic.prepare({.flows = kClients, .first = first, .opening = opening});
  for (uint32_t sent = 0; sent < packets; sent += kBatch) {
    if (auto done = traffic.send(std::min(kBatch, packets - sent)); !done) return done;
  }
  return {};
}

// The first kConnections clients have one from before, the next ones begin theirs in the move.
Result<void> connect(Director& director, Traffic& traffic) {
  if (auto done = director.set_rings(Rings::moving); !done) return done;
  if (auto done = send(traffic, 0, kConnections, Opening::no); !done) return done;
  if (auto done = send(traffic, kConnections, kConnections, Opening::yes); !done) return done;
  return send(traffic, kConnections, kConnections, Opening::no);
}

Result<Outcome> flood(Director& director, Traffic& traffic, uint32_t syns) {
  Outcome outcome{.connections = 2 * kConnections};
  if (auto done = connect(director, traffic); !done) return tl::unexpected(done.error());
  auto before = established(director);
  if (!before) return tl::unexpected(before.error());

  if (auto done = send(traffic, 2 * kConnections, syns, Opening::yes); !done)
    return tl::unexpected(done.error());

  auto after = established(director);
  if (!after) return tl::unexpected(after.error());
  for (const auto& [flow, backend] : *before) {
    const auto found = after->find(flow);
    if (found != after->end() && found->second == backend) outcome.kept++;
  }
  auto everything = director.tracked();
  if (!everything) return tl::unexpected(everything.error());
  for (const auto& flow : *everything) outcome.half_open += flow.half_open ? 1 : 0;

  // Who is not tracked any more is dropped now, and cannot be mistaken for one that went on.
  if (auto done = director.set_rings(Rings::hit_only); !done) return tl::unexpected(done.error());
  auto tally = director.tally();
  if (!tally) return tl::unexpected(tally.error());
  if (auto done = send(traffic, 0, 2 * kConnections, Opening::no); !done)
    return tl::unexpected(done.error());
  auto now = director.tally();
  if (!now) return tl::unexpected(now.error());
  outcome.went_on = (*now - *tally).to_backends;
  return outcome;
}

Result<Outcome> measure(const Options& options) {
  if (auto done = stay_on_one_cpu(); !done) return tl::unexpected(done.error());
  libbpf_log_capture();
  auto ifindex = device_with_xdp(options.device);
  if (!ifindex) return tl::unexpected(ifindex.error());
  auto director = Director::make({});
  if (!director) return tl::unexpected(director.error());
  auto traffic = Traffic::load(*ifindex);
  if (!traffic) return tl::unexpected(traffic.error());
  if (auto done = traffic->aim_at((*director)->program()); !done)
    return tl::unexpected(done.error());
  return flood(**director, *traffic, options.syns);
}

int fail(const Error& error) {
  fmt::print(stderr, "bench flood: {}\n", error.text);
  return static_cast<int>(error.kind);
}

int run(const Options& options) {
  auto outcome = measure(options);
  if (!outcome) return fail(outcome.error());
  fmt::print(
      "{} connections of a service whose every slot moves, {} SYNs of other clients:\n"
      "{} are tracked with the backend that they had, {} went on to it; the flood left {} "
      "half-open entries\n",
      outcome->connections, options.syns, outcome->kept, outcome->went_on, outcome->half_open);
  if (!options.json.empty()) {
    const auto rows = nlohmann::ordered_json::array({{{"case", "flood"},
                                                      {"connections", outcome->connections},
                                                      {"syns", options.syns},
                                                      {"kept", outcome->kept},
                                                      {"went_on", outcome->went_on},
                                                      {"half_open", outcome->half_open}}});
    if (auto written = write_json(options.json, rows); !written) return fail(written.error());
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
  app.add_option("--json", options.json, "writes the figures there as well")->type_name("FILE");
  app.add_option("--syns", options.syns, "how many, each of another client")
      ->type_name("N")
      ->check(CLI::Range(1u, kClients - 2 * kConnections));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return run(options);
}
