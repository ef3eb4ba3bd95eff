// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Measures a service's bulk flows at their client: rates, packet gaps and round trips, as one JSON
// object on standard output. tools/bench pace and tests/vm run it; they make the two namespaces,
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

// Idle time of all processors together since boot, to 10 ms.
Result<double> idle_s() {
  std::ifstream file("/proc/uptime");
  double up = 0;
  double idle = 0;
  if (!(file >> up >> idle)) return failed("/proc/uptime: it cannot be read");
  return idle;
}

Result<double> rate_of(const std::string& text) {
  if (text.empty()) return 0.0;
  return static_cast<double>(TRY(parse_rate(text)));
}

struct Targets {
  double flow_rate = 0;  // bytes per second, each flow; 0: none
  double rate = 0;       // all flows together; 0: none
};

struct Measurement {
  std::vector<arrival> log;
  uint64_t from_ns = 0;
  uint64_t to_ns = 0;
  double busy_s = 0;  // of all processors
  BulkState before;
  BulkState after;
  std::vector<uint32_t> flows;
};

Result<BulkPlan> plan_of(const Options& options) {
  BulkPlan plan;
  plan.client_netns = options.netns;
  plan.flows = options.flows;
  plan.classes = options.classes;
  plan.server = TRY(HostPort::parse(options.server));
  for (const std::string& text : options.clients) plan.clients.push_back(TRY(Address::parse(text)));
  return plan;
}

Result<Measurement> run_flows(const Options& options) {
  const BulkPlan plan = TRY(plan_of(options));
  Bulk bulk = TRY(Bulk::open(plan));
  TRY(bulk.run(static_cast<uint64_t>(options.warm_s * 1e9)));
  // Attached after the warm-up, which would fill the log.
  const Collector collector =
      TRY(Collector::attach(options.netns, options.device, plan.server.port, false));
  TRY(bulk.run(50'000'000));
  Measurement out;
  out.before = TRY(bulk.state());
  const double idle_before_s = TRY(idle_s());
  const auto window_ns = static_cast<uint64_t>(options.seconds * 1e9);
  out.from_ns = monotonic_ns();
  out.to_ns = out.from_ns + window_ns;
  TRY(bulk.run(window_ns));
  const auto took_s = static_cast<double>(monotonic_ns() - out.from_ns) / 1e9;
  out.busy_s = took_s * std::thread::hardware_concurrency() - (TRY(idle_s()) - idle_before_s);
  out.after = TRY(bulk.state());
  out.log = TRY(collector.log());
  out.flows = bulk.flows();
  return out;
}

nlohmann::ordered_json report(const Measurement& measured, const Targets& targets) {
  const Arrivals each =
      arrivals_between(measured.log, measured.from_ns, measured.to_ns, targets.flow_rate);
  const auto flows = static_cast<double>(measured.flows.size());
  const double target = targets.rate > 0 ? targets.rate : targets.flow_rate * flows;
  double achieved = 0;
  double least = 0;
  double most = 0;
  auto shares = nlohmann::ordered_json::array();
  for (const uint32_t flow : measured.flows) {
    const auto found = std::find_if(each.flows.begin(), each.flows.end(),
                                    [flow](const FlowRate& one) { return one.flow == flow; });
    const double got = found == each.flows.end() ? 0 : found->rate_bytes_per_sec;
    achieved += got;
    least = shares.empty() ? got : std::min(least, got);
    most = std::max(most, got);
    shares.push_back(mbit(got));
  }
  nlohmann::ordered_json out;
  out["flows"] = measured.flows.size();
  out["target_mbit"] = mbit(target);
  out["achieved_mbit"] = mbit(achieved);
  out["achieved_of_target"] = target > 0 ? rounded(achieved / target, 1e5) : 0;
  out["least_flow_mbit"] = mbit(least);
  out["most_flow_mbit"] = mbit(most);
  out["packets"] = each.packets;
  // Of both ends, TCP and acknowledgements included; in virtual time, instructions.
  out["busy_ns_each"] = rounded(measured.busy_s * 1e9 / static_cast<double>(each.packets), 1);
  if (targets.flow_rate > 0) {
    out["flow_gap"] = gaps_json(each.gaps, each.packet_bytes / targets.flow_rate * 1e6);
  }
  if (targets.rate > 0) {
    const Arrivals all =
        arrivals_between(as_one_flow(measured.log), measured.from_ns, measured.to_ns, targets.rate);
    out["gap"] = gaps_json(all.gaps, all.packet_bytes / targets.rate * 1e6);
  }
  out["rtt_us"] = measured.after.rtt_us;
  out["min_rtt_us"] = measured.after.min_rtt_us;
  out["retransmits"] = measured.after.retransmits - measured.before.retransmits;
  out["retransmits_before"] = measured.before.retransmits;
  if (measured.flows.size() <= 16) out["flows_mbit"] = std::move(shares);
  return out;
}

Result<nlohmann::ordered_json> measure(const Options& options) {
  const Targets targets{TRY(rate_of(options.flow_rate)), TRY(rate_of(options.rate))};
  const Measurement measured = TRY(run_flows(options));
  return report(measured, targets);
}

}  // namespace
}  // namespace sluice::benchmark

int main(int argc, char** argv) {
  using namespace sluice::benchmark;
  CLI::App app("Measures bulk flows of a service at their client; JSON.");
  Options options;
  app.add_option("--server", options.server, "address and port of the service, in this namespace")
      ->required()
      ->type_name("ADDRESS:PORT");
  app.add_option("--client-netns", options.netns, "network namespace of the client")
      ->required()
      ->type_name("NAME");
  app.add_option("--client-device", options.device, "device on which packets arrive there")
      ->required()
      ->type_name("DEV");
  app.add_option("--client", options.clients, "address of a client there; flows use them in turn")
      ->required()
      ->type_name("ADDRESS");
  app.add_option("--flows", options.flows, "number of concurrent flows")
      ->check(CLI::Range(1, 10000));
  app.add_option("--flow-rate", options.flow_rate, "target rate of each flow")->type_name("RATE");
  app.add_option("--rate", options.rate, "target rate of all flows together")->type_name("RATE");
  app.add_flag("--classes", options.classes, "give each flow its own class of the qdisc 1:");
  app.add_option("--warm", options.warm_s, "warm-up in seconds")->check(CLI::Range(0., 60.));
  app.add_option("--seconds", options.seconds, "measured seconds")->check(CLI::Range(.1, 600.));
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
