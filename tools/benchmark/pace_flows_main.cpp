// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What comes of a service's bulk flows at their client: rates, packet gaps, round trips; one JSON
// object on standard output. Run by tools/bench pace and tests/vm, which make the two namespaces,
// the qdisc and the policy.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "benchmark/pace/bulk.h"
#include "benchmark/pace/collector.h"
#include "benchmark/pace/gaps.h"
#include "kernel/system/clock.h"
#include "kernel/system/libbpf_log.h"
#include "model/quantity.h"

namespace sluice::benchmark {
namespace {

struct Options {
  std::string server;
  std::string netns;
  std::string device;
  std::vector<std::string> clients;
  std::string flow_rate;
  std::string rate;
  uint32_t flows = 1;
  bool classes = false;
  double warm_s = 1;
  double seconds = 3;
};

double rounded(double value, double scale) {
  return std::round(value * scale) / scale;
}

double mbit(double bytes_per_sec) {
  return rounded(bytes_per_sec * 8 / 1e6, 1e4);
}

nlohmann::ordered_json gaps_json(const Gaps& gaps, double ideal_us) {
  return {{"ideal_us", rounded(ideal_us, 100)},
          {"p1_us", rounded(gaps.p1 * ideal_us, 100)},
          {"p50_us", rounded(gaps.p50 * ideal_us, 100)},
          {"p99_us", rounded(gaps.p99 * ideal_us, 100)},
          {"most_us", rounded(gaps.most * ideal_us, 100)},
          {"p99_of_ideal", rounded(gaps.p99, 1e4)}};
}

// What all processors together have done nothing for, since boot; to 10 ms.
Result<double> idle_s() {
  std::ifstream file("/proc/uptime");
  double up = 0;
  double idle = 0;
  if (!(file >> up >> idle)) return failed("/proc/uptime: it cannot be read");
  return idle;
}

Result<double> rate_of(const std::string& text) {
  if (text.empty()) return 0.0;
  auto rate = parse_rate(text);
  if (!rate) return tl::unexpected(rate.error());
  return static_cast<double>(*rate);
}

Result<nlohmann::ordered_json> measure(const Options& options) {
  BulkPlan plan;
  plan.client_netns = options.netns;
  plan.flows = options.flows;
  plan.classes = options.classes;
  auto server = HostPort::parse(options.server);
  if (!server) return tl::unexpected(server.error());
  plan.server = *server;
  for (const std::string& text : options.clients) {
    auto client = Address::parse(text);
    if (!client) return tl::unexpected(client.error());
    plan.clients.push_back(*client);
  }
  auto flow_rate = rate_of(options.flow_rate);
  if (!flow_rate) return tl::unexpected(flow_rate.error());
  auto rate = rate_of(options.rate);
  if (!rate) return tl::unexpected(rate.error());

  auto bulk = Bulk::open(plan);
  if (!bulk) return tl::unexpected(bulk.error());
  if (auto done = bulk->run(static_cast<uint64_t>(options.warm_s * 1e9)); !done)
    return tl::unexpected(done.error());
  // Only now, so that the log is not full of what does not count.
  auto collector = Collector::attach(options.netns, options.device, server->port, false);
  if (!collector) return tl::unexpected(collector.error());
  if (auto done = bulk->run(50'000'000); !done) return tl::unexpected(done.error());
  auto before = bulk->state();
  if (!before) return tl::unexpected(before.error());
  auto idle_before = idle_s();
  if (!idle_before) return tl::unexpected(idle_before.error());
  const uint64_t from_ns = monotonic_ns();
  const auto window_ns = static_cast<uint64_t>(options.seconds * 1e9);
  if (auto done = bulk->run(window_ns); !done) return tl::unexpected(done.error());
  const auto took_s = static_cast<double>(monotonic_ns() - from_ns) / 1e9;
  auto idle_after = idle_s();
  if (!idle_after) return tl::unexpected(idle_after.error());
  auto state = bulk->state();
  if (!state) return tl::unexpected(state.error());
  auto log = collector->log();
  if (!log) return tl::unexpected(log.error());

  const Arrivals each = arrivals_between(*log, from_ns, from_ns + window_ns, *flow_rate);
  nlohmann::ordered_json out;
  const double target = *rate > 0 ? *rate : *flow_rate * options.flows;
  double achieved = 0;
  double least = 0;
  double most = 0;
  auto shares = nlohmann::ordered_json::array();
  for (const uint32_t flow : bulk->flows()) {
    const auto found = std::find_if(each.flows.begin(), each.flows.end(),
                                    [flow](const FlowRate& one) { return one.flow == flow; });
    const double got = found == each.flows.end() ? 0 : found->rate_bytes_per_sec;
    achieved += got;
    least = shares.empty() ? got : std::min(least, got);
    most = std::max(most, got);
    shares.push_back(mbit(got));
  }
  out["flows"] = options.flows;
  out["target_mbit"] = mbit(target);
  out["achieved_mbit"] = mbit(achieved);
  out["achieved_of_target"] = target > 0 ? rounded(achieved / target, 1e5) : 0;
  out["least_flow_mbit"] = mbit(least);
  out["most_flow_mbit"] = mbit(most);
  out["packets"] = each.packets;
  // Of both ends, TCP and the acknowledgements too; where time is virtual, so many instructions.
  const double busy_s = took_s * std::thread::hardware_concurrency() - (*idle_after - *idle_before);
  out["busy_ns_each"] = rounded(busy_s * 1e9 / static_cast<double>(each.packets), 1);
  if (*flow_rate > 0) {
    out["flow_gap"] = gaps_json(each.gaps, each.packet_bytes / *flow_rate * 1e6);
  }
  if (*rate > 0) {
    const Arrivals all = arrivals_between(as_one_flow(*log), from_ns, from_ns + window_ns, *rate);
    out["gap"] = gaps_json(all.gaps, all.packet_bytes / *rate * 1e6);
  }
  out["rtt_us"] = state->rtt_us;
  out["min_rtt_us"] = state->min_rtt_us;
  out["retransmits"] = state->retransmits - before->retransmits;
  out["retransmits_before"] = before->retransmits;
  if (options.flows <= 16) out["flows_mbit"] = std::move(shares);
  return out;
}

}  // namespace
}  // namespace sluice::benchmark

int main(int argc, char** argv) {
  using namespace sluice::benchmark;
  CLI::App app("Bulk flows of a service, as their client sees them arrive; JSON.");
  Options options;
  app.add_option("--server", options.server, "where the flows come from, here")
      ->required()
      ->type_name("ADDRESS:PORT");
  app.add_option("--client-netns", options.netns, "where they go")->required()->type_name("NAME");
  app.add_option("--client-device", options.device, "through which they arrive there")
      ->required()
      ->type_name("DEV");
  app.add_option("--client", options.clients, "address there; flows take turns")
      ->required()
      ->type_name("ADDRESS");
  app.add_option("--flows", options.flows, "so many at once")->check(CLI::Range(1, 10000));
  app.add_option("--flow-rate", options.flow_rate, "what each should get")->type_name("RATE");
  app.add_option("--rate", options.rate, "what all should get")->type_name("RATE");
  app.add_flag("--classes", options.classes, "each in a class of its own of the qdisc 1:");
  app.add_option("--warm", options.warm_s, "seconds before it counts")->check(CLI::Range(0., 60.));
  app.add_option("--seconds", options.seconds, "seconds that count")->check(CLI::Range(.1, 600.));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  sluice::libbpf_log_capture();
  auto figures = measure(options);
  if (!figures) {
    fmt::print(stderr, "bench_pace_flows: {}\n", figures.error().text);
    return static_cast<int>(figures.error().kind);
  }
  fmt::print("{}\n", figures->dump());
  return 0;
}
