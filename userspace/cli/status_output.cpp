// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/status_output.h"

#include <fmt/format.h>

#include "cli/attachment_output.h"
#include "cli/congestion_output.h"
#include "cli/service_output.h"
#include "cli/table.h"
#include "cli/units.h"
#include "cli/verdict_output.h"
#include "model/quantity.h"
#include "sluice/limits.h"
#include "support/version.h"

namespace sluice {
namespace {

// Used entries, to compare with the capacities.
struct Used {
  size_t services = 0;
  size_t backends = 0;
  size_t filters = 0;
};

Used used_by(const StatusView& status) {
  Used used;
  for (const auto& view : status.services) {
    used.services++;
    used.backends += view.backends.size();
    used.filters += view.filters.size();
  }
  return used;
}

uint64_t memory_bytes(const StatusView& status) {
  uint64_t bytes = 0;
  for (const auto& map : status.memory) bytes += map.bytes;
  return bytes;
}

std::vector<NamedVerdict> verdicts_of(const StatusView& status) {
  std::vector<NamedVerdict> verdicts;
  for (const auto& view : status.services) {
    for (const auto& count : view.verdicts) verdicts.push_back({view.service.name, count});
  }
  for (const auto& count : status.verdicts) verdicts.push_back({"", count});
  sort_verdicts(verdicts);
  return verdicts;
}

// An impairment is set on purpose, to test with: it explains missing packets, so status shows it.
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

Json capacities_json(const StatusView& status) {
  const Used used = used_by(status);
  const auto room = [](size_t taken, uint32_t total) {
    return Json{{"used", taken}, {"total", total}};
  };
  return {{"services", room(used.services, status.capacities.services)},
          {"backends", room(used.backends, status.capacities.backends)},
          {"filters", room(used.filters, status.capacities.filters)},
          {"flows", {{"total", status.capacities.flows}}}};
}

Json verdicts_json(const StatusView& status) {
  Json list = Json::array();
  for (const auto& [service, count] : verdicts_of(status)) {
    Json verdict{{"service", text_or_null(service)}};
    verdict.update(verdict_json(count));
    list.push_back(std::move(verdict));
  }
  return list;
}

template <typename Item>
Json list_of(const std::vector<Item>& items, Json (*json)(const Item&)) {
  Json list = Json::array();
  for (const Item& item : items) list.push_back(json(item));
  return list;
}

Json map_json(const MapMemory& map) {
  return {{"map", map.name}, {"maps", map.maps}, {"bytes", map.bytes}};
}

std::string programs_text(const StatusView& status) {
  return fmt::format("of another sluice, {} (sluice instance upgrade {})", status.programs.text(),
                     status.instance);
}

void add_congestion(Facts& facts, const StatusView& status) {
  for (const auto& one : status.congestion) facts.add("congestion", congestion_text(one));
  if (!status.congestion_unsupported.empty()) {
    facts.add("congestion", "cannot be loaded: " + status.congestion_unsupported);
  } else if (status.congestion.empty()) {
    facts.add("congestion", "none loaded");
  }
}

void add_used(Facts& facts, const StatusView& status) {
  const Used used = used_by(status);
  facts.add("services", fmt::format("{} of {}", used.services, status.capacities.services));
  facts.add("backends", fmt::format("{} of {}", used.backends, status.capacities.backends));
  facts.add("filters", fmt::format("{} of {}", used.filters, status.capacities.filters));
  facts.add("memory", fmt::format("{}, with tables for {} flows",
                                  bytes_for_people(memory_bytes(status)), status.capacities.flows));
}

}  // namespace

Json release_json(const Release& release) {
  return {{"version", release.version},
          {"fingerprint", fmt::format("{:016x}", release.fingerprint)},
          {"current", release == own_release()}};
}

Json status_json(const StatusView& status) {
  size_t moving_slots = 0;
  Json impaired = Json::array();
  for (const auto& view : status.services) {
    moving_slots += view.moving_slots;
    if (view.policy && view.policy->impairs()) impaired.push_back(view.service.name);
  }
  return {{"instance", status.instance},
          {"directory", status.directory},
          {"version", version_text},
          {"schema", SLUICE_SCHEMA_VERSION},
          {"programs", release_json(status.programs)},
          {"moving_slots", moving_slots},
          {"congestion_unsupported", text_or_null(status.congestion_unsupported)},
          {"capacities", capacities_json(status)},
          {"impaired", std::move(impaired)},
          {"memory_bytes", memory_bytes(status)},
          {"memory", list_of(status.memory, map_json)},
          {"attachments", list_of(status.attachments, attachment_json)},
          {"congestion", list_of(status.congestion, congestion_json)},
          {"services", list_of(status.services, service_json)},
          {"verdicts", verdicts_json(status)}};
}

void print_status(std::ostream& out, const StatusView& status) {
  Facts facts;
  facts.add("instance", fmt::format("{} ({})", status.instance, status.directory));
  const Release own = own_release();
  facts.add("version", fmt::format("{}, schema {}", own.text(), SLUICE_SCHEMA_VERSION));
  if (!(status.programs == own)) facts.add("programs", programs_text(status));
  for (const auto& one : status.attachments) facts.add("attached", attachment_text(one));
  if (status.attachments.empty()) facts.add("attached", "nothing");
  add_congestion(facts, status);
  for (const auto& view : status.services) {
    if (view.policy && view.policy->impairs()) facts.add("IMPAIRED", impairment_text(view));
  }
  add_used(facts, status);
  facts.print(out);
  if (!status.services.empty()) {
    out << '\n';
    print_services(out, status.services);
  }
  print_verdicts(out, verdicts_of(status));
}

}  // namespace sluice
