// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Joins the entries of all flow maps by 5-tuple.
#include <cstring>
#include <map>

#include "kernel/state/kernel_packet_path.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/clock.h"
#include "sluice/congestion.h"
#include "sluice/departure.h"
#include "sluice/pace.h"

namespace sluice {
namespace {

struct FlowLess {
  bool operator()(const sluice_flow& a, const sluice_flow& b) const {
    return memcmp(&a, &b, sizeof(a)) < 0;
  }
};

using Records = std::map<sluice_flow, FlowRecord, FlowLess>;

FlowRecord& record_of(Records& records, const sluice_flow& flow) {
  auto& record = records[flow];
  record.flow = flow;
  return record;
}

// Behind a translation the same flow has another 5-tuple, which pace and a server's socket on this
// machine see. Both are joined to one record with the client's 5-tuple.
void join_translated(Records& records) {
  std::vector<sluice_flow> joined;
  for (auto& [flow, record] : records) {
    if (!record.translation) continue;
    const auto behind = records.find(record.translation->translated_tuple);
    if (behind == records.end() || behind->second.translation) continue;
    // An entry with the client's 5-tuple covers both directions and has precedence.
    if (!record.paced) record.paced = behind->second.paced;
    if (!record.departures) record.departures = behind->second.departures;
    if (!record.congestion) record.congestion = behind->second.congestion;
    joined.push_back(behind->first);
  }
  for (const auto& flow : joined) records.erase(flow);
}

constexpr uint64_t kDepartureShown_ns = 60'000'000'000;  // since the last departure

// Slots of the departure table that are in use and whose 5-tuple is written.
Result<void> take_departures(const std::string& directory, Records& records) {
  auto lines = TRY(Map<uint32_t, sluice_departure_line>::open(directory, "departures"));
  auto names = TRY(Map<uint32_t, sluice_departure_name>::open(directory, "departure_names"));
  const uint64_t now_ns = monotonic_ns();

  std::map<uint32_t, sluice_departure> recent;
  TRY(lines.for_range(0, lines.capacity() - 1, [&](uint32_t number, const auto& line) {
    for (uint32_t i = 0; i < SLUICE_DEPARTURES_OF_LINE; i++) {
      const sluice_departure& flow = line.flows[i];
      if (flow.tag == 0 || flow.departs_ns + kDepartureShown_ns < now_ns) continue;
      recent[number * SLUICE_DEPARTURES_OF_LINE + i] = flow;
    }
  }));
  for (const auto& [slot, flow] : recent) {
    auto name = TRY(names.find(slot));
    if (!name || name->tag != flow.tag) continue;
    record_of(records, name->flow).departures = {.service = name->service,
                                                 .bytes = flow.bytes,
                                                 .departs_ns = flow.departs_ns,
                                                 .weight = flow.weight};
  }
  return {};
}

// A component that was never loaded has no map, and no flows.
template <typename Value, typename Take>
Result<void> take_optional(const std::string& directory, const std::string& name, Take take) {
  if (!is_pinned(directory, name)) return {};
  auto map = TRY(Map<sluice_flow, Value>::open(directory, name));
  auto entries = TRY(map.entries());
  for (const auto& [flow, value] : entries) take(flow, value);
  return {};
}

}  // namespace

Result<std::vector<FlowRecord>> KernelPacketPath::flows() {
  Records records;
  auto half_open = TRY(half_open_.entries());
  for (const auto& [flow, tracked] : half_open) {
    if (tracked.backend == 0) continue;
    auto& record = record_of(records, flow);
    record.tracked = tracked;
    record.half_open = true;
  }
  auto tracked_flows = TRY(flows_.entries());
  for (const auto& [flow, tracked] : tracked_flows) {
    if (tracked.backend == 0) continue;
    auto& record = record_of(records, flow);
    record.tracked = tracked;
    record.half_open = false;
  }
  auto translations = TRY(translations_.entries());
  for (const auto& [flow, translation] : translations)
    if (translation.reply == 0 && translation.backend != 0)
      record_of(records, flow).translation = translation;

  TRY(take_departures(directory_, records));
  TRY(take_optional<sluice_paced_flow>(
      directory_, "paced_flows",
      [&](const auto& flow, const auto& paced) { record_of(records, flow).paced = paced; }));
  TRY(take_optional<sluice_congestion_flow>(directory_, "congestion_flows",
                                            [&](const auto& flow, const auto& congestion) {
                                              record_of(records, flow).congestion = congestion;
                                            }));

  join_translated(records);

  std::vector<FlowRecord> all;
  all.reserve(records.size());
  for (auto& [flow, record] : records) all.push_back(record);
  return all;
}

}  // namespace sluice
