// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/congestion/testbed.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "benchmark/congestion/flows.h"
#include "benchmark/congestion/hosts.h"
#include "linkem/emulator.h"
#include "linkem/netns.h"
#include "linkem/tun.h"

namespace sluice::benchmark {
namespace {

using linkem::NamespaceVisit;

// The emulator's priority is above the flows', because its delays affect all flows.
constexpr int kEmulatorPriority = 2;
constexpr int kFlowsPriority = 1;

linkem::LinkShape shape_of(const Scenario& scenario) {
  linkem::LinkShape shape;
  shape.rate_bytes_per_sec = static_cast<uint64_t>(scenario.rate_mbit * 1e6 / 8);
  shape.delay = scenario.rtt / 2 - scenario.jitter;
  shape.jitter = 2 * scenario.jitter;
  shape.buffer_bytes = static_cast<uint64_t>(scenario.bdp_bytes() * scenario.buffer_bdp);
  if (scenario.ecn)
    shape.ecn_threshold_bytes =
        scenario.marked_from_ms > 0
            ? static_cast<uint64_t>(scenario.rate_mbit * 1e3 / 8 * scenario.marked_from_ms)
            : static_cast<uint64_t>(scenario.bdp_bytes() / 4);
  shape.loss = scenario.loss_percent / 100;
  return shape;
}

// Acknowledgements return with the same delay, without a bottleneck and without loss: the benchmark
// is about the data direction.
linkem::LinkShape reverse_link(const Scenario& scenario) {
  return {.delay = scenario.rtt / 2 - scenario.jitter, .jitter = 2 * scenario.jitter};
}

double milliseconds_at(const linkem::Histogram& histogram, uint64_t permille) {
  return static_cast<double>(histogram.quantile(permille).count()) / 1000;
}

}  // namespace

Result<Record> run_scenario(const Scenario& scenario, const Governed& governed, int slot) {
  const std::string subnet = fmt::format("10.{}.{}.", 1 + slot / 200, slot % 200);
  std::vector<std::string> senders{subnet + "1"};
  std::vector<std::string> receivers{subnet + "2"};
  linkem::LinkShape shape = shape_of(scenario);
  linkem::Paths paths;
  std::vector<Ends> ends;
  for (const FlowSpec& flow : scenario.flows) {
    Ends each{senders.front(), receivers.front()};
    if (flow.role == Role::heavy) each.sender = kHeavyAddress;
    if (flow.role == Role::light) each.sender = kLightAddress;
    if (flow.role == Role::rated) each.sender = kRatedAddress;
    if (each.sender != senders.front()) senders.push_back(each.sender);
    if (flow.detour.count() > 0) {
      each.receiver = subnet + std::to_string(10 + receivers.size());
      receivers.push_back(each.receiver);
      paths.add(TRY(Address::parse(each.receiver)), flow.detour, shape);
    }
    ends.push_back(std::move(each));
  }

  End left = TRY(make_host(senders, scenario.ecn));
  End right = TRY(make_host(receivers, scenario.ecn));
  const Fd ending(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!ending.valid()) return failed("eventfd: {}", strerror(errno));

  linkem::Emulator link{std::move(left.tun),
                        std::move(right.tun),
                        {shape, paths, scenario.seed},
                        {reverse_link(scenario), {}, ~scenario.seed}};
  Result<void> carried;
  std::thread carrier([&] {
    linkem::run_on_time(kEmulatorPriority);
    carried = link.run(ending, false);
  });
  linkem::run_on_time(kFlowsPriority);
  Flows flows(scenario, governed, ends);
  auto record = flows.run(left.netns, right.netns, link.left_to_right);
  const uint64_t one = 1;
  if (write(ending.get(), &one, sizeof(one)) != sizeof(one)) std::terminate();
  carrier.join();
  if (!record) return record;
  if (!carried) return tl::unexpected(carried.error());

  const linkem::Tally& tally = link.left_to_right.tally();
  record->queue_mean_ms = tally.queued.mean_microseconds() / 1000;
  record->queue_p50_ms = milliseconds_at(tally.queued, 500);
  record->queue_p95_ms = milliseconds_at(tally.queued, 950);
  record->queue_p99_ms = milliseconds_at(tally.queued, 990);
  record->late_p99_us = static_cast<double>(tally.late.quantile(990).count());
  record->dropped_full = tally.dropped_full;
  record->marked = tally.marked;
  for (const Fd* netns : {&left.netns, &right.netns}) {
    const NamespaceVisit visit = TRY(NamespaceVisit::enter(*netns));
    record->device_drops += linkem::device_drops(std::string(kLinkDevice)).value_or(0);
  }
  return record;
}

}  // namespace sluice::benchmark
