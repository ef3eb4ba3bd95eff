// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/service_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/backend_output.h"
#include "cli/client_weight_output.h"
#include "cli/filter_output.h"
#include "cli/policy_output.h"
#include "cli/table.h"
#include "cli/units.h"
#include "cli/verdict_output.h"
#include "model/service_options.h"

namespace sluice {
namespace {

// The mode, and options that differ from their defaults and have no column of their own: "gue",
// "gue, GUE variant 0", "ipip, MSS auto".
std::string mode_and_options(const Service& service) {
  Service others = service;
  others.mode = Service{}.mode;
  others.affinity = Service{}.affinity;
  const std::string mode(mode_text(service.mode));
  const std::string text = changed_options_text(others);
  return text.empty() ? mode : mode + ", " + text;
}

// Which clients the filters admit, in a few words; `sluice filter list` shows each filter.
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

void add_totals(Facts& facts, const FlowTotals& totals) {
  facts.add("flows seen", fmt::format("{} begun, {} finished, {} reset", totals.begun,
                                      totals.finished, totals.reset));
  facts.add("windows lowered", std::to_string(totals.windows_lowered));
  facts.add("retransmitted", fmt::format("{} packets by servers, {} by clients",
                                         totals.server_retransmits, totals.client_retransmits));
}

Json flow_totals_json(const FlowTotals& totals) {
  return {{"begun", totals.begun},
          {"finished", totals.finished},
          {"reset", totals.reset},
          {"windows_lowered", totals.windows_lowered},
          {"server_retransmits", totals.server_retransmits},
          {"client_retransmits", totals.client_retransmits}};
}

Json option_json(const OptionValue& value) {
  return std::visit(
      [](const auto& known) {
        if constexpr (std::is_same_v<std::decay_t<decltype(known)>, std::monostate>) {
          return Json(nullptr);
        } else {
          return Json(known);
        }
      },
      value);
}

// The options that apply; a flag only if it is set.
void add_options(Facts& facts, const Service& service) {
  for (const ServiceOption& option : service_options()) {
    if (!applies(option, service)) continue;
    if (option.is_flag() && is_default(option, service)) continue;
    facts.add(std::string(option.words), option.is_flag() ? "yes" : option.text(service));
  }
}

void add_limits(Facts& facts, const Policy& policy) {
  for (const PolicyLimit& limit : policy_limits()) {
    if (policy.*limit.value > 0 || limit.always_shown)
      facts.add(std::string(limit.words), limit_text(limit, policy));
  }
}

}  // namespace

Json service_json(const ServiceView& view) {
  const Service& service = view.service;
  Json document{{"service", service.name}, {"endpoint", service.endpoint.text()}};
  for (const ServiceOption& option : service_options()) {
    document[std::string(option.field)] = option_json(option_value(option, service));
  }
  document["number"] = service.number;
  document["removing"] = service.removing;
  document["slots"] = view.slots;
  document["moving_slots"] = view.moving_slots;
  document["tracked_flows"] = view.tracked_flows;
  document["policy"] = view.policy ? policy_json(service.name, *view.policy) : Json(nullptr);
  document["filters"] = Json::array();
  for (const auto& filter : view.filters) {
    document["filters"].push_back(filter_json({service.name, filter}));
  }
  document["weights"] = Json::array();
  for (const auto& weight : view.weights) {
    document["weights"].push_back(weight_json({service.name, weight}));
  }
  add_traffic(document, view.traffic);
  document["flow_totals"] = flow_totals_json(view.flow_totals);
  document["backends_up"] = backends_up(view);
  document["backends"] = Json::array();
  for (const auto& one : view.backends) document["backends"].push_back(backend_json(view, one));
  document["verdicts"] = Json::array();
  for (const auto& count : view.verdicts) document["verdicts"].push_back(verdict_json(count));
  return document;
}

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
  add_options(facts, view.service);
  facts.add("backends up", fmt::format("{} of {}", backends_up(view), view.backends.size()));
  facts.add("moving slots", moving_text(view));
  facts.add("tracked flows", std::to_string(view.tracked_flows));
  add_limits(facts, view.policy.value_or(Policy{}));
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
  std::vector<NamedVerdict> verdicts;
  for (const auto& count : view.verdicts) verdicts.push_back({view.service.name, count});
  sort_verdicts(verdicts);
  print_verdicts(out, verdicts);
}

}  // namespace sluice
