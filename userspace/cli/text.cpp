// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/table.h"
#include "cli/units.h"
#include "model/quantity.h"
#include "sluice/limits.h"

namespace sluice {
namespace {

std::string state_text(const Backend& backend) {
  if (backend.removing) return "removing";
  std::string text(backend_state_text(backend.state));
  if (backend.failing && backend.state != BackendState::down) text += ", failing";
  return text;
}

std::string weight_text(const Backend& backend) {
  if (backend.adapted_permille == 0) return std::to_string(backend.weight);
  return fmt::format("{} x 0.{:03}", backend.weight, backend.adapted_permille);
}

// Nobody should have to look for it who wonders where packets are.
std::string impairment_text(const ServiceView& view) {
  std::string text;
  if (view.policy->loss_ppm > 0) {
    text += fmt::format("{} of the packets to its clients are dropped",
                        probability_text(view.policy->loss_ppm));
  }
  if (view.policy->mark_ppm > 0) {
    text += fmt::format("{}{} of those that are ECN-capable are marked", text.empty() ? "" : ", ",
                        probability_text(view.policy->mark_ppm));
  }
  return fmt::format("{}: {} ON PURPOSE (sluice policy set {} --loss none --mark none)",
                     view.service.name, text, view.service.name);
}

// With what is not as in most services: "gue", "gue variant 0", "snat, QUIC".
std::string mode_and_options(const Service& service) {
  std::string text(mode_text(service.mode));
  if (service.gue_variant != gue_variant_default) {
    text += fmt::format(" variant {}", service.gue_variant);
  }
  return text + (service.quic ? ", QUIC" : "");
}

// Whom the filters let in, at a glance; `sluice filter list` has them all.
std::string clients_text(const std::vector<Filter>& filters) {
  const auto allowed = std::count_if(filters.begin(), filters.end(), [](const Filter& filter) {
    return filter.action == FilterAction::allow;
  });
  const auto denied = static_cast<std::ptrdiff_t>(filters.size()) - allowed;
  if (filters.empty()) return "all";
  if (allowed == 0) return fmt::format("all but those of {} denied prefixes", denied);
  return fmt::format("those of {} allowed prefixes{}", allowed,
                     denied == 0 ? "" : fmt::format(", {} denied", denied));
}

std::string moving_text(const ServiceView& view) {
  return fmt::format("{} of {}", view.moving_slots, view.slots);
}

void print_verdicts(std::ostream& out, const std::vector<NamedVerdict>& verdicts) {
  Table table({{"ACTION"},
               {"VERDICT"},
               {"SERVICE"},
               {"PACKETS", Align::right},
               {"BYTES", Align::right},
               {"MEANING"}});
  for (const auto& [service, count] : verdicts) {
    const auto text = verdict_text(count.verdict);
    table.add({std::string(action_text(text.action)), std::string(text.name), service,
               std::to_string(count.packets), bytes_for_people(count.bytes),
               std::string(text.sentence)});
  }
  if (!table.empty()) {
    out << '\n';
    table.print(out);
  }
}

std::string attachment_text(const Attachment& attachment) {
  std::string text = fmt::format("{} on {}, {}", component_text(attachment.part), attachment.device,
                                 attachment.mode);
  if (attachment.egress.fq) text += ", fq";
  if (attachment.egress.gso_max_segs)
    text += fmt::format(", gso_max_segs {}", *attachment.egress.gso_max_segs);
  if (attachment.gone) {
    text += " (the device is gone)";
  } else if (!attachment.here) {
    text += fmt::format(" (in network namespace {})", attachment.namespace_id);
  }
  return text;
}

std::string congestion_text(const CongestionControl& control) {
  return fmt::format("{}, map {}{}{}", control.name, control.map_id,
                     control.linked ? ", linked" : "",
                     control.pinned ? "" : ", not of this instance");
}

std::string ago(uint32_t seen_s, uint64_t now_s) {
  return fmt::format("{} s ago", now_s > seen_s ? now_s - seen_s : 0);
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
  facts.add("round trip", fmt::format("{}, at best {}", duration_for_people(flow.srtt_us),
                                      duration_for_people(flow.min_rtt_us)));
  facts.add("delivered",
            fmt::format("{} at {}, paced at {}", bytes_for_people(flow.delivered_bytes),
                        rate_for_people(flow.delivery_rate_bytes_per_sec),
                        rate_for_people(flow.pacing_rate_bytes_per_sec)));
  facts.add("lost", fmt::format("{} packets, {} retransmitted, {} marked{}", flow.lost_packets,
                                flow.retransmitted_packets, flow.marked_packets,
                                flow.accurate_marks != 0
                                    ? fmt::format(" by an accurate peer, {:.1f} % lately",
                                                  marked_share_percent(flow))
                                    : ""));
  facts.add("policy", governed_policy_text(flow));
}

void add_totals(Facts& facts, const FlowTotals& totals) {
  facts.add("flows seen", fmt::format("{} begun, {} finished, {} reset", totals.begun,
                                      totals.finished, totals.reset));
  facts.add("windows lowered", std::to_string(totals.windows_lowered));
  facts.add("sent again", fmt::format("{} packets by servers, {} by clients",
                                      totals.server_retransmits, totals.client_retransmits));
}

void add_paced(Facts& facts, const sluice_paced_flow& flow, uint64_t now_s) {
  facts.add("handshake",
            fmt::format("{}, last heard {}", paced_state_text(flow), ago(flow.seen_s, now_s)));
  facts.add("scales", fmt::format("client {}, server {}", flow.client_scale, flow.server_scale));
  facts.add("windows", fmt::format("client {}, server {}", bytes_for_people(flow.client_window),
                                   bytes_for_people(flow.server_window)));
  facts.add("ceiling", flow.ceiling_bytes == 0 ? "none" : bytes_for_people(flow.ceiling_bytes));
  facts.add("windows lowered", std::to_string(flow.lowered));
  if (flow.round_trip.least_us != 0) {
    facts.add("seen round trip", fmt::format("{}, at best {}, at the handshake {}",
                                             duration_for_people(flow.round_trip.smoothed_us),
                                             duration_for_people(least_round_trip_us(flow)),
                                             duration_for_people(flow.round_trip.handshake_us)));
  }
  facts.add("sent again", fmt::format("by the server {}, by the client {}", flow.server_retransmits,
                                      flow.client_retransmits));
}

}  // namespace

void print_services(std::ostream& out, const std::vector<ServiceView>& services) {
  Table table({{"SERVICE"},
               {"ENDPOINT"},
               {"MODE"},
               {"AFFINITY"},
               {"BACKENDS UP", Align::right},
               {"MOVING SLOTS", Align::right},
               {"CONNECTIONS", Align::right},
               {"PACKETS", Align::right},
               {"BYTES", Align::right}});
  for (const auto& view : services) {
    table.add({view.service.name, view.service.endpoint.text(), mode_and_options(view.service),
               std::string(affinity_text(view.service.affinity)),
               fmt::format("{} of {}", backends_up(view), view.backends.size()), moving_text(view),
               std::to_string(view.traffic.connections), std::to_string(view.traffic.packets),
               bytes_for_people(view.traffic.bytes)});
  }
  table.print(out);
}

void print_service(std::ostream& out, const ServiceView& view) {
  Facts facts;
  facts.add("service", view.service.name);
  facts.add("endpoint", view.service.endpoint.text());
  facts.add("mode", mode_and_options(view.service));
  facts.add("affinity", std::string(affinity_text(view.service.affinity)));
  facts.add("backends up", fmt::format("{} of {}", backends_up(view), view.backends.size()));
  facts.add("moving slots", moving_text(view));
  facts.add("tracked flows", std::to_string(view.tracked_flows));
  facts.add("idle time-out", duration_text(view.service.idle_timeout_s));
  facts.add("UDP time-out", duration_text(view.service.udp_timeout_s));
  const Policy policy = view.policy.value_or(Policy{});
  for (const PolicyLimit& limit : policy_limits()) {
    if (policy.*limit.value > 0 || limit.always_shown) {
      facts.add(std::string(limit.words), limit_text(limit, policy));
    }
  }
  facts.add("clients", clients_text(view.filters));
  if (!view.weights.empty()) {
    facts.add("client weights", fmt::format("of {} prefixes", view.weights.size()));
  }
  facts.add("connections", std::to_string(view.traffic.connections));
  facts.add("packets", std::to_string(view.traffic.packets));
  facts.add("bytes", bytes_for_people(view.traffic.bytes));
  if (view.flow_totals != FlowTotals{}) add_totals(facts, view.flow_totals);
  facts.print(out);
  if (!view.backends.empty()) {
    out << '\n';
    print_backends(out, {view});
  }
  print_verdicts(out, verdicts_of({.instance = {},
                                   .directory = {},
                                   .programs = {},
                                   .attachments = {},
                                   .services = {view},
                                   .verdicts = {},
                                   .congestion = {},
                                   .congestion_unsupported = {},
                                   .capacities = {},
                                   .memory = {}}));
}

void print_backends(std::ostream& out, const std::vector<ServiceView>& services) {
  Table table({{"SERVICE"},
               {"BACKEND"},
               {"WEIGHT", Align::right},
               {"STATE"},
               {"SHARE", Align::right},
               {"CONNECTIONS", Align::right},
               {"PACKETS", Align::right},
               {"BYTES", Align::right}});
  for (const auto& view : services) {
    for (const auto& one : view.backends) {
      table.add({view.service.name, one.backend.at.text(), weight_text(one.backend),
                 state_text(one.backend), share_for_people(one.slots, view.slots),
                 std::to_string(one.traffic.connections), std::to_string(one.traffic.packets),
                 bytes_for_people(one.traffic.bytes)});
    }
  }
  table.print(out);
}

void print_backend(std::ostream& out, const ServiceView& view, const BackendView& one) {
  Facts facts;
  facts.add("service", view.service.name);
  facts.add("backend", one.backend.at.text());
  facts.add("weight", weight_text(one.backend));
  facts.add("state", state_text(one.backend));
  facts.add("share", fmt::format("{} ({} of {} slots)", share_for_people(one.slots, view.slots),
                                 one.slots, view.slots));
  facts.add("connections", std::to_string(one.traffic.connections));
  facts.add("packets", std::to_string(one.traffic.packets));
  facts.add("bytes", bytes_for_people(one.traffic.bytes));
  facts.print(out);
}

void print_policies(std::ostream& out,
                    const std::vector<std::pair<std::string, Policy>>& policies) {
  std::vector<const PolicyLimit*> shown;
  std::vector<Column> columns{{"SERVICE"}};
  for (const PolicyLimit& limit : policy_limits()) {
    const bool set = std::any_of(policies.begin(), policies.end(), [&](const auto& policy) {
      return policy.second.*limit.value > 0;
    });
    if (!set && !limit.always_shown) continue;
    shown.push_back(&limit);
    columns.push_back({heading(limit.words), Align::right});
  }
  Table table(std::move(columns));
  for (const auto& [service, policy] : policies) {
    std::vector<std::string> row{service};
    for (const PolicyLimit* limit : shown) row.push_back(limit_text(*limit, policy));
    table.add(std::move(row));
  }
  table.print(out);
}

void print_enforcements(std::ostream& out, const std::vector<Enforcement>& enforcements) {
  Table table({{"LIMIT"}, {"KEPT BY"}, {"WHERE"}, {"WHY"}});
  for (const auto& one : enforcements) {
    table.add({std::string(one.limit), std::string(one.mechanism), one.where, one.why});
  }
  table.print(out);
}

void print_filters(std::ostream& out, const std::vector<FilterView>& filters) {
  Table table({{"SERVICE"}, {"PREFIX"}, {"ACTION"}});
  for (const auto& [service, filter] : filters) {
    table.add({service, filter.prefix.text(), std::string(filter_action_text(filter.action))});
  }
  table.print(out);
}

void print_weights(std::ostream& out, const std::vector<ClientWeightView>& weights) {
  Table table({{"SERVICE"}, {"PREFIX"}, {"WEIGHT", Align::right}});
  for (const auto& [service, weight] : weights) {
    table.add({service, weight.prefix.text(), std::to_string(weight.weight)});
  }
  table.print(out);
}

void print_congestion(std::ostream& out, const std::vector<CongestionControl>& controls) {
  Table table({{"NAME"}, {"MAP", Align::right}, {"LINKED"}, {"OF THIS INSTANCE"}});
  for (const auto& control : controls) {
    table.add({control.name, std::to_string(control.map_id), control.linked ? "yes" : "no",
               control.pinned ? "yes" : "no"});
  }
  table.print(out);
}

void print_flows(std::ostream& out, const std::vector<FlowView>& flows) {
  Table table({{"CLIENT"},
               {"ENDPOINT"},
               {"SERVICE"},
               {"BACKEND"},
               {"REMEMBERED"},
               {"STATE"},
               {"CWND", Align::right},
               {"SRTT", Align::right},
               {"MIN RTT", Align::right},
               {"DELIVERY", Align::right},
               {"BOUND"}});
  for (const auto& view : flows) {
    std::vector<std::string> row{view.client.text(), view.endpoint.text(), view.service,
                                 view.backend,
                                 fmt::format("{}", fmt::join(known_to(view.record), ","))};
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
  facts.add("tracked", fmt::format("{}", fmt::join(known_to(record), ", ")));
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
    facts.add("seen", fmt::format("{}", fmt::join(paced_flag_names(record.paced->flags), ", ")));
    add_paced(facts, *record.paced, now_s);
  }
  if (record.congestion) add_governed(facts, *record.congestion);
  facts.print(out);
}

void print_status(std::ostream& out, const StatusView& status) {
  Facts facts;
  facts.add("instance", fmt::format("{} ({})", status.instance, status.directory));
  const Release own = own_release();
  facts.add("version", fmt::format("{}, schema {}", own.text(), SLUICE_SCHEMA_VERSION));
  if (!(status.programs == own))
    facts.add("programs", fmt::format("of another sluice, {} (sluice instance upgrade {})",
                                      status.programs.text(), status.instance));
  for (const auto& one : status.attachments) facts.add("attached", attachment_text(one));
  if (status.attachments.empty()) facts.add("attached", "nothing");
  for (const auto& one : status.congestion) facts.add("congestion", congestion_text(one));
  if (!status.congestion_unsupported.empty()) {
    facts.add("congestion", "cannot be loaded: " + status.congestion_unsupported);
  } else if (status.congestion.empty()) {
    facts.add("congestion", "none loaded");
  }
  for (const auto& view : status.services) {
    if (view.policy && view.policy->impairs()) facts.add("IMPAIRED", impairment_text(view));
  }
  const Used used = used_by(status);
  facts.add("services", fmt::format("{} of {}", used.services, status.capacities.services));
  facts.add("backends", fmt::format("{} of {}", used.backends, status.capacities.backends));
  facts.add("filters", fmt::format("{} of {}", used.filters, status.capacities.filters));
  facts.add("memory", fmt::format("{}, with tables for {} flows",
                                  bytes_for_people(memory_bytes(status)), status.capacities.flows));
  facts.print(out);
  if (!status.services.empty()) {
    out << '\n';
    print_services(out, status.services);
  }
  print_verdicts(out, verdicts_of(status));
}

}  // namespace sluice
