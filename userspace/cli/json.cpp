// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/json.h"

#include "cli/units.h"
#include "sluice/limits.h"
#include "support/version.h"

namespace sluice {
namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json number_or_null(uint64_t number) {
  return number == 0 ? Json(nullptr) : Json(number);
}

uint64_t idle(uint32_t seen_s, uint64_t now_s) {
  return now_s > seen_s ? now_s - seen_s : 0;
}

void add_traffic(Json& document, const Traffic& traffic) {
  document["packets"] = traffic.packets;
  document["bytes"] = traffic.bytes;
  document["connections"] = traffic.connections;
}

Json tracked_json(const FlowRecord& record, uint64_t now_s) {
  return {{"half_open", record.half_open},
          {"seen_s", record.tracked->seen_s},
          {"idle_s", idle(record.tracked->seen_s, now_s)}};
}

Json translation_json(const sluice_translation& translation, uint64_t now_s) {
  const sluice_flow& translated_tuple = translation.translated_tuple;
  return {
      {"state", translation_state_text(translation.state)},
      {"source", HostPort::from_raw(translated_tuple.source, translated_tuple.source_port).text()},
      {"destination",
       HostPort::from_raw(translated_tuple.destination, translated_tuple.destination_port).text()},
      {"seen_s", translation.seen_s},
      {"idle_s", idle(translation.seen_s, now_s)}};
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

Json backend_json(const ServiceView& view, const BackendView& one) {
  const Backend& backend = one.backend;
  Json document{{"service", view.service.name},
                {"backend", backend.at.text()},
                {"number", backend.number},
                {"weight", backend.weight},
                {"state", backend_state_text(backend.state)},
                {"removing", backend.removing},
                {"failing", backend.failing},
                {"adapted_permille", number_or_null(backend.adapted_permille)},
                {"slots", one.slots},
                {"share_percent", share_percent(one.slots, view.slots)}};
  add_traffic(document, one.traffic);
  return document;
}

Json policy_json(const std::string& service, const Policy& policy) {
  Json document{{"service", service}};
  for (const PolicyLimit& limit : policy_limits()) {
    document[std::string(limit.field)] = number_or_null(policy.*limit.value);
  }
  return document;
}

Json enforcement_json(const Enforcement& enforcement) {
  return {{"limit", enforcement.limit},
          {"mechanism", enforcement.mechanism},
          {"where", text_or_null(enforcement.where)},
          {"why", enforcement.why}};
}

Json filter_json(const FilterView& view) {
  return {{"service", view.service},
          {"prefix", view.filter.prefix.text()},
          {"action", filter_action_text(view.filter.action)}};
}

Json weight_json(const ClientWeightView& view) {
  return {{"service", view.service},
          {"prefix", view.weight.prefix.text()},
          {"weight", view.weight.weight}};
}

Json verdict_json(const VerdictCount& count) {
  const auto text = verdict_text(count.verdict);
  return {{"verdict", text.name},
          {"action", action_text(text.action)},
          {"packets", count.packets},
          {"bytes", count.bytes},
          {"sentence", text.sentence}};
}

Json service_json(const ServiceView& view) {
  const Service& service = view.service;
  Json document{
      {"service", service.name},
      {"endpoint", service.endpoint.text()},
      {"mode", mode_text(service.mode)},
      {"affinity", affinity_text(service.affinity)},
      {"quic", service.quic},
      {"gue_variant", service.mode == Mode::gue ? Json(service.gue_variant) : Json(nullptr)},
      {"number", service.number},
      {"removing", service.removing},
      {"slots", view.slots},
      {"moving_slots", view.moving_slots},
      {"tracked_flows", view.tracked_flows},
      {"idle_timeout_s", service.idle_timeout_s},
      {"udp_timeout_s", service.udp_timeout_s},
      {"policy", view.policy ? policy_json(service.name, *view.policy) : Json(nullptr)}};
  document["filters"] = Json::array();
  for (const auto& filter : view.filters) {
    document["filters"].push_back(filter_json({service.name, filter}));
  }
  document["weights"] = Json::array();
  for (const auto& weight : view.weights) {
    document["weights"].push_back(weight_json({service.name, weight}));
  }
  add_traffic(document, view.traffic);
  const FlowTotals& totals = view.flow_totals;
  document["flow_totals"] = {{"begun", totals.begun},
                             {"finished", totals.finished},
                             {"reset", totals.reset},
                             {"windows_lowered", totals.windows_lowered},
                             {"server_retransmits", totals.server_retransmits},
                             {"client_retransmits", totals.client_retransmits}};
  document["backends_up"] = backends_up(view);
  document["backends"] = Json::array();
  for (const auto& one : view.backends) document["backends"].push_back(backend_json(view, one));
  document["verdicts"] = Json::array();
  for (const auto& count : view.verdicts) document["verdicts"].push_back(verdict_json(count));
  return document;
}

Json attachment_json(const Attachment& attachment) {
  const auto& packets = attachment.egress.gso_max_segs;
  return {{"part", component_text(attachment.part)},
          {"device", attachment.device},
          {"mode", attachment.mode},
          {"here", attachment.here},
          {"gone", attachment.gone},
          {"namespace_id", attachment.namespace_id},
          {"fq", attachment.egress.fq},
          {"gso_max_segs", packets ? Json(*packets) : Json()}};
}

Json congestion_json(const CongestionControl& control) {
  return {{"name", control.name},
          {"map_id", control.map_id},
          {"linked", control.linked},
          {"pinned", control.pinned}};
}

Json flow_json(const FlowView& view, uint64_t now_s) {
  const FlowRecord& record = view.record;
  const Json none(nullptr);
  return {{"client", view.client.text()},
          {"endpoint", view.endpoint.text()},
          {"service", text_or_null(view.service)},
          {"backend", text_or_null(view.backend)},
          {"known_to", known_to(record)},
          {"tracked", record.tracked ? tracked_json(record, now_s) : none},
          {"translation", record.translation ? translation_json(*record.translation, now_s) : none},
          {"departures", record.departures ? departures_json(*record.departures) : none},
          {"paced", record.paced ? paced_json(*record.paced) : none},
          {"congestion", record.congestion ? governed_json(*record.congestion) : none}};
}

Json release_json(const Release& release) {
  return {{"version", release.version},
          {"fingerprint", fmt::format("{:016x}", release.fingerprint)},
          {"current", release == own_release()}};
}

Json status_json(const StatusView& status) {
  Json document{{"instance", status.instance},
                {"directory", status.directory},
                {"version", version_text},
                {"schema", SLUICE_SCHEMA_VERSION},
                {"programs", release_json(status.programs)}};
  size_t moving_slots = 0;
  for (const auto& view : status.services) moving_slots += view.moving_slots;
  document["moving_slots"] = moving_slots;
  document["congestion_unsupported"] = text_or_null(status.congestion_unsupported);
  const Used used = used_by(status);
  const auto room = [](size_t taken, uint32_t total) {
    return Json{{"used", taken}, {"total", total}};
  };
  document["capacities"] = {{"services", room(used.services, status.capacities.services)},
                            {"backends", room(used.backends, status.capacities.backends)},
                            {"filters", room(used.filters, status.capacities.filters)},
                            {"flows", {{"total", status.capacities.flows}}}};
  document["impaired"] = Json::array();
  for (const auto& view : status.services) {
    if (view.policy && view.policy->impairs()) document["impaired"].push_back(view.service.name);
  }
  document["memory_bytes"] = memory_bytes(status);
  document["memory"] = Json::array();
  for (const auto& map : status.memory) {
    document["memory"].push_back(Json{{"map", map.name}, {"maps", map.maps}, {"bytes", map.bytes}});
  }
  for (const auto* list : {"attachments", "congestion", "services", "verdicts"}) {
    document[list] = Json::array();
  }
  for (const auto& one : status.attachments) {
    document["attachments"].push_back(attachment_json(one));
  }
  for (const auto& one : status.congestion) document["congestion"].push_back(congestion_json(one));
  for (const auto& view : status.services) document["services"].push_back(service_json(view));
  for (const auto& [service, count] : verdicts_of(status)) {
    Json verdict{{"service", text_or_null(service)}};
    verdict.update(verdict_json(count));
    document["verdicts"].push_back(std::move(verdict));
  }
  return document;
}

}  // namespace sluice
