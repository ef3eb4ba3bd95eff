// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/backend_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/table.h"
#include "cli/units.h"

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

}  // namespace

size_t backends_up(const ServiceView& view) {
  return static_cast<size_t>(std::count_if(
      view.backends.begin(), view.backends.end(),
      [](const BackendView& one) { return effective_state(one.backend) == BackendState::up; }));
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

}  // namespace sluice
