// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/congestion_output.h"

#include <algorithm>
#include <map>

#include "cli/flow_state.h"
#include "cli/table.h"
#include "cli/units.h"
#include "kernel/instance/instance.h"

namespace sluice {

Json congestion_json(const CongestionControl& control) {
  return {{"name", control.name},
          {"map_id", control.map_id},
          {"linked", control.linked},
          {"pinned", control.pinned}};
}

std::string congestion_text(const CongestionControl& control) {
  return fmt::format("{}, map {}{}{}", control.name, control.map_id,
                     control.linked ? ", linked" : "",
                     control.pinned ? "" : ", not of this instance");
}

void print_congestion(std::ostream& out, const std::vector<CongestionControl>& controls) {
  Table table({{"NAME"}, {"MAP", Align::right}, {"LINKED"}, {"OF THIS INSTANCE"}});
  for (const auto& control : controls) {
    table.add({control.name, std::to_string(control.map_id), control.linked ? "yes" : "no",
               control.pinned ? "yes" : "no"});
  }
  table.print(out);
}

Result<std::vector<CongestionSumView>> congestion_sum_views(Instance& instance) {
  auto sums = TRY(congestion_sums(instance.directory()));
  auto services = TRY(instance.dataplane().configuration.services());
  std::map<uint32_t, std::string> names{{0, ""}};
  for (const Service& service : services) names[service.number] = service.name;
  std::vector<CongestionSumView> views;
  for (const auto& [number, sum] : sums) {
    // A removed service has no name any more; its sums are left out.
    if (const auto name = names.find(number); name != names.end())
      views.push_back({.service = name->second, .sum = sum});
  }
  std::sort(views.begin(), views.end(), [](const auto& a, const auto& b) {
    return std::pair(a.service.empty(), a.service) < std::pair(b.service.empty(), b.service);
  });
  return views;
}

Json congestion_sum_json(const CongestionSumView& view) {
  Json flows = Json::object();
  for (uint32_t state = 0; state < SLUICE_CONGESTION_STATE_COUNT; state++)
    flows[std::string(congestion_state_text(state))] = view.sum.flows[state];
  return {{"service", view.service.empty() ? Json(nullptr) : Json(view.service)},
          {"flows", std::move(flows)},
          {"opened", view.sum.opened},
          {"delivered_bytes", view.sum.delivered_bytes},
          {"lost_packets", view.sum.lost_packets},
          {"retransmitted_packets", view.sum.retransmitted_packets},
          {"marked_packets", view.sum.marked_packets},
          {"timeouts", view.sum.timeouts}};
}

void print_congestion_sums(std::ostream& out, const std::vector<CongestionSumView>& views) {
  if (views.empty()) return;
  std::vector<Column> columns{{"SERVICE"}};
  for (uint32_t state = 0; state < SLUICE_CONGESTION_STATE_COUNT; state++) {
    columns.push_back({heading(congestion_state_text(state)), Align::right});
  }
  for (const char* name : {"OPENED", "DELIVERED", "LOST", "RETRANSMITTED", "MARKED", "TIME-OUTS"})
    columns.push_back({name, Align::right});
  Table table(std::move(columns));
  for (const auto& [service, sum] : views) {
    std::vector<std::string> row{service};
    for (const int64_t flows : sum.flows) row.push_back(std::to_string(flows));
    row.insert(row.end(),
               {std::to_string(sum.opened), bytes_for_people(sum.delivered_bytes),
                std::to_string(sum.lost_packets), std::to_string(sum.retransmitted_packets),
                std::to_string(sum.marked_packets), std::to_string(sum.timeouts)});
    table.add(std::move(row));
  }
  out << '\n';
  table.print(out);
}

}  // namespace sluice
