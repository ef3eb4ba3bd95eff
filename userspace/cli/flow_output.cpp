// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/flow_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/flow_state.h"
#include "cli/table.h"
#include "cli/units.h"

namespace sluice {
namespace {

// A packet may have been seen after the clock was read.
uint64_t idle_s(uint32_t seen_s, uint64_t now_s) {
  return now_s > seen_s ? now_s - seen_s : 0;
}

Json tracked_json(const FlowRecord& record, uint64_t now_s) {
  return {{"half_open", record.half_open},
          {"seen_s", record.tracked->seen_s},
          {"idle_s", idle_s(record.tracked->seen_s, now_s)}};
}

Json translation_json(const sluice_translation& translation, uint64_t now_s) {
  const sluice_flow& translated_tuple = translation.translated_tuple;
  return {
      {"state", translation_state_text(translation.state)},
      {"source", HostPort::from_raw(translated_tuple.source, translated_tuple.source_port).text()},
      {"destination",
       HostPort::from_raw(translated_tuple.destination, translated_tuple.destination_port).text()},
      {"seen_s", translation.seen_s},
      {"idle_s", idle_s(translation.seen_s, now_s)}};
}

Json departures_json(const Departures& departures) {
  return {{"bytes", departures.bytes},
          {"departs_ns", departures.departs_ns},
          {"weight", number_or_null(departures.weight)}};
}

Json paced_json(const sluice_paced_flow& paced) {
  return {{"packets", paced.packets},
          {"bytes", paced.bytes},
          {"lowered", paced.lowered},
          {"right_edge", paced.right_edge},
          {"client_isn", paced.client_isn},
          {"client_mss", paced.client_mss},
          {"syn_window", paced.syn_window},
          {"client_scale", paced.client_scale},
          {"server_scale", paced.server_scale},
          {"state", paced_state_text(paced)},
          {"flags", paced_flag_names(paced.flags)},
          {"client_window_bytes", paced.client_window},
          {"server_window_bytes", paced.server_window},
          {"ceiling_bytes", number_or_null(paced.ceiling_bytes)},
          {"round_trip",
           {{"handshake_us", number_or_null(paced.round_trip.handshake_us)},
            {"server_us", number_or_null(paced.round_trip.server_us)},
            {"smoothed_us", number_or_null(paced.round_trip.smoothed_us)},
            {"least_us", number_or_null(least_round_trip_us(paced))}}},
          {"server_retransmits", paced.server_retransmits},
          {"client_retransmits", paced.client_retransmits},
          {"seen_s", paced.seen_s}};
}

std::string ago(uint32_t seen_s, uint64_t now_s) {
  return fmt::format("{} s ago", idle_s(seen_s, now_s));
}

std::string governed_policy_text(const sluice_congestion_flow& flow) {
  std::vector<std::string> limits;
  if (flow.policy_rate_bytes_per_sec != 0)
    limits.push_back(rate_for_people(flow.policy_rate_bytes_per_sec) + " on the wire");
  if (flow.policy_window_bytes != 0)
    limits.push_back("a window of " + bytes_for_people(flow.policy_window_bytes));
  return limits.empty() ? "none" : fmt::format("{}", fmt::join(limits, ", "));
}

void add_governed(Facts& facts, const sluice_congestion_flow& flow) {
  std::vector<std::string> entered;
  for (uint32_t state = 0; state < SLUICE_CONGESTION_STATE_COUNT; state++) {
    entered.push_back(fmt::format("{} {}", congestion_state_text(state), flow.entered[state]));
  }
  facts.add("state", std::string(congestion_state_text(flow.state)));
  facts.add("entered", fmt::format("{}", fmt::join(entered, ", ")));
  facts.add("bound by", std::string(congestion_bound_text(flow.bound)));
  facts.add("window",
            fmt::format("{} packets of {} B, {} in flight, ssthresh {}", flow.cwnd_packets,
                        flow.mss_bytes, flow.inflight_packets, flow.ssthresh_packets));
  facts.add("RTT", fmt::format("{}, minimum {}", duration_for_people(flow.srtt_us),
                               duration_for_people(flow.min_rtt_us)));
  facts.add("delivered",
            fmt::format("{} at {}, paced at {}", bytes_for_people(flow.delivered_bytes),
                        rate_for_people(flow.delivery_rate_bytes_per_sec),
                        rate_for_people(flow.pacing_rate_bytes_per_sec)));
  facts.add("lost", fmt::format("{} packets, {} retransmitted, {} marked{}", flow.lost_packets,
                                flow.retransmitted_packets, flow.marked_packets,
                                flow.accurate_marks != 0
                                    ? fmt::format(", {:.1f} % of recent packets (accurate ECN)",
                                                  marked_share_percent(flow))
                                    : ""));
  facts.add("policy", governed_policy_text(flow));
}

void add_paced(Facts& facts, const sluice_paced_flow& flow, uint64_t now_s) {
  facts.add("handshake",
            fmt::format("{}, last packet {}", paced_state_text(flow), ago(flow.seen_s, now_s)));
  facts.add("scales", fmt::format("client {}, server {}", flow.client_scale, flow.server_scale));
  facts.add("windows", fmt::format("client {}, server {}", bytes_for_people(flow.client_window),
                                   bytes_for_people(flow.server_window)));
  facts.add("ceiling", flow.ceiling_bytes == 0 ? "none" : bytes_for_people(flow.ceiling_bytes));
  facts.add("windows lowered", std::to_string(flow.lowered));
  if (flow.round_trip.least_us != 0) {
    facts.add("measured RTT", fmt::format("{}, minimum {}, at the handshake {}",
                                          duration_for_people(flow.round_trip.smoothed_us),
                                          duration_for_people(least_round_trip_us(flow)),
                                          duration_for_people(flow.round_trip.handshake_us)));
  }
  facts.add("retransmitted", fmt::format("by the server {}, by the client {}",
                                         flow.server_retransmits, flow.client_retransmits));
}

}  // namespace

Json governed_json(const sluice_congestion_flow& flow) {
  Json entered = Json::object();
  for (uint32_t state = 0; state < SLUICE_CONGESTION_STATE_COUNT; state++) {
    entered[std::string(congestion_state_text(state))] = flow.entered[state];
  }
  return {{"state", congestion_state_text(flow.state)},
          {"bound", congestion_bound_text(flow.bound)},
          {"cwnd_packets", flow.cwnd_packets},
          {"ssthresh_packets", flow.ssthresh_packets},
          {"inflight_packets", flow.inflight_packets},
          {"mss_bytes", flow.mss_bytes},
          {"srtt_us", flow.srtt_us},
          {"min_rtt_us", flow.min_rtt_us},
          {"delivery_rate_bytes_per_sec", flow.delivery_rate_bytes_per_sec},
          {"pacing_rate_bytes_per_sec", flow.pacing_rate_bytes_per_sec},
          {"delivered_bytes", flow.delivered_bytes},
          {"lost_packets", flow.lost_packets},
          {"retransmitted_packets", flow.retransmitted_packets},
          {"marked_packets", flow.marked_packets},
          {"accurate_marks", flow.accurate_marks != 0},
          {"marked_share_percent",
           flow.accurate_marks != 0 ? Json(marked_share_percent(flow)) : Json()},
          {"policy_rate_bytes_per_sec", number_or_null(flow.policy_rate_bytes_per_sec)},
          {"policy_window_bytes", number_or_null(flow.policy_window_bytes)},
          {"updated_ns", flow.updated_ns},
          {"entered", std::move(entered)}};
}

Json flow_json(const FlowView& view, uint64_t now_s) {
  const FlowRecord& record = view.record;
  const Json none(nullptr);
  return {{"client", view.client.text()},
          {"endpoint", view.endpoint.text()},
          {"service", text_or_null(view.service)},
          {"backend", text_or_null(view.backend)},
          {"tables", tables_of(record)},
          {"tracked", record.tracked ? tracked_json(record, now_s) : none},
          {"translation", record.translation ? translation_json(*record.translation, now_s) : none},
          {"departures", record.departures ? departures_json(*record.departures) : none},
          {"paced", record.paced ? paced_json(*record.paced) : none},
          {"congestion", record.congestion ? governed_json(*record.congestion) : none}};
}

void print_flows(std::ostream& out, const std::vector<FlowView>& flows) {
  Table table({{"CLIENT"},
               {"ENDPOINT"},
               {"SERVICE"},
               {"BACKEND"},
               {"TABLES"},
               {"STATE"},
               {"CWND", Align::right},
               {"SRTT", Align::right},
               {"MIN RTT", Align::right},
               {"DELIVERY", Align::right},
               {"BOUND"}});
  for (const auto& view : flows) {
    std::vector<std::string> row{view.client.text(), view.endpoint.text(), view.service,
                                 view.backend,
                                 fmt::format("{}", fmt::join(tables_of(view.record), ","))};
    if (const auto& flow = view.record.congestion) {
      row.insert(row.end(), {std::string(congestion_state_text(flow->state)),
                             std::to_string(flow->cwnd_packets), duration_for_people(flow->srtt_us),
                             duration_for_people(flow->min_rtt_us),
                             rate_for_people(flow->delivery_rate_bytes_per_sec),
                             std::string(congestion_bound_text(flow->bound))});
    } else if (const auto& translation = view.record.translation) {
      row.emplace_back(translation_state_text(translation->state));
    }
    table.add(std::move(row));
  }
  table.print(out);
}

void print_flow(std::ostream& out, const FlowView& view, uint64_t now_s) {
  const FlowRecord& record = view.record;
  Facts facts;
  facts.add("client", view.client.text());
  facts.add("endpoint", view.endpoint.text());
  facts.add("service", view.service);
  facts.add("backend", view.backend);
  facts.add("tables", fmt::format("{}", fmt::join(tables_of(record), ", ")));
  if (record.tracked) facts.add("tracked", "last packet " + ago(record.tracked->seen_s, now_s));
  if (record.translation) {
    facts.add("translation",
              fmt::format("{}, last packet {}", translation_state_text(record.translation->state),
                          ago(record.translation->seen_s, now_s)));
  }
  if (record.departures) {
    facts.add("departures",
              fmt::format("{} to the client{}", bytes_for_people(record.departures->bytes),
                          record.departures->weight == 0
                              ? ""
                              : fmt::format(", weight {}", record.departures->weight)));
  }
  if (record.paced) {
    facts.add("paced", fmt::format("{} packets, {} to the client", record.paced->packets,
                                   bytes_for_people(record.paced->bytes)));
    facts.add("flags", fmt::format("{}", fmt::join(paced_flag_names(record.paced->flags), ", ")));
    add_paced(facts, *record.paced, now_s);
  }
  if (record.congestion) add_governed(facts, *record.congestion);
  facts.print(out);
}

}  // namespace sluice
