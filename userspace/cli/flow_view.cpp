// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/flow_view.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include "pure/roundtrip.h"
#pragma GCC diagnostic pop

namespace sluice {
namespace {

// The names behind the numbers that the maps keep.
class Names {
 public:
  explicit Names(const std::vector<ServiceView>& services) {
    for (const auto& view : services) {
      services_[view.service.number] = view.service.name;
      for (const auto& one : view.backends) {
        const Backend& backend = one.backend;
        backends_[backend.number] = &backend;
        listening_[{view.service.number, backend.at.address, backend.at.port}] = &backend;
      }
    }
  }

  void put_to(FlowView& view) const {
    const FlowRecord& record = view.record;
    const Backend* backend = nullptr;
    if (record.translation) backend = numbered(record.translation->backend);
    if (backend == nullptr && record.tracked) backend = numbered(record.tracked->backend);

    uint32_t service = 0;
    if (record.translation) service = record.translation->service;
    if (service == 0 && record.departures) service = record.departures->service;
    if (service == 0 && record.paced) service = record.paced->service;
    if (service == 0 && record.congestion) service = record.congestion->service;
    if (service == 0 && backend != nullptr) service = backend->service;

    // The flow that a translation makes of the client's, and a socket of a server here, go to the
    // backend's own endpoint.
    if (backend == nullptr) {
      const auto found = listening_.find({service, view.endpoint.address, view.endpoint.port});
      if (found != listening_.end()) backend = found->second;
    }
    const auto name = services_.find(service);
    if (name != services_.end()) view.service = name->second;
    if (backend != nullptr) view.backend = backend->at.text();
  }

 private:
  [[nodiscard]] const Backend* numbered(uint32_t number) const {
    const auto found = backends_.find(number);
    return found == backends_.end() ? nullptr : found->second;
  }

  std::map<uint32_t, std::string> services_;
  std::map<uint32_t, const Backend*> backends_;
  std::map<std::tuple<uint32_t, Address, uint16_t>, const Backend*> listening_;
};

bool comes_before(const FlowView& a, const FlowView& b) {
  if (a.service != b.service) return a.service < b.service;
  if (a.endpoint.address < b.endpoint.address) return true;
  if (b.endpoint.address < a.endpoint.address) return false;
  if (a.endpoint.port != b.endpoint.port) return a.endpoint.port < b.endpoint.port;
  if (a.client.address < b.client.address) return true;
  if (b.client.address < a.client.address) return false;
  return std::tie(a.client.port, a.endpoint.l4_proto) <
         std::tie(b.client.port, b.endpoint.l4_proto);
}

}  // namespace

std::vector<FlowView> flow_views(const std::vector<FlowRecord>& records,
                                 const std::vector<ServiceView>& services) {
  const Names names(services);
  std::vector<FlowView> views;
  views.reserve(records.size());
  for (const auto& record : records) {
    const sluice_flow& flow = record.flow;
    FlowView view{.client = HostPort::from_raw(flow.source, flow.source_port),
                  .endpoint = Endpoint::from_raw({.address = flow.destination,
                                                  .port = flow.destination_port,
                                                  .l4_proto = flow.l4_proto,
                                                  .reserved = {}}),
                  .service = {},
                  .backend = {},
                  .record = record};
    names.put_to(view);
    views.push_back(std::move(view));
  }
  std::sort(views.begin(), views.end(), comes_before);
  return views;
}

std::vector<std::string_view> known_to(const FlowRecord& record) {
  std::vector<std::string_view> names;
  if (record.tracked) names.emplace_back(record.half_open ? "half_open" : "tracked");
  if (record.translation) names.emplace_back("translated");
  if (record.departures) names.emplace_back("departures");
  if (record.paced) names.emplace_back("paced");
  if (record.congestion) names.emplace_back("congestion");
  return names;
}

std::string_view congestion_state_text(uint32_t state) {
  switch (state) {
#define SLUICE_STATE_TEXT(NUMBER, NAME, name, sentence) \
  case SLUICE_CONGESTION_##NAME:                \
    return #name;
    SLUICE_CONGESTION_STATES(SLUICE_STATE_TEXT)
#undef SLUICE_STATE_TEXT
    default:
      return "unknown";
  }
}

std::string_view congestion_bound_text(uint32_t bound) {
  switch (bound) {
#define SLUICE_BOUND_TEXT(NAME, name, sentence) \
  case SLUICE_BOUND_##NAME:                     \
    return #name;
    SLUICE_CONGESTION_BOUNDS(SLUICE_BOUND_TEXT)
#undef SLUICE_BOUND_TEXT
    default:
      return "unknown";
  }
}

double marked_share_percent(const sluice_congestion_flow& flow) {
  return flow.marked_share * 100.0 / 256;
}

std::vector<std::string_view> paced_flag_names(uint16_t flags) {
  static constexpr std::array<std::pair<sluice_paced_flag, std::string_view>, 9> all{{
      {SLUICE_PACED_CLIENT_SYN, "client_syn"},
      {SLUICE_PACED_SERVER_SYN, "server_syn"},
      {SLUICE_PACED_SCALED, "scaled"},
      {SLUICE_PACED_SIGNED, "signed"},
      {SLUICE_PACED_OFFERED, "offered"},
      {SLUICE_PACED_OPEN, "open"},
      {SLUICE_PACED_CLIENT_FIN, "client_fin"},
      {SLUICE_PACED_SERVER_FIN, "server_fin"},
      {SLUICE_PACED_CLIENT_RST, "client_rst"},
  }};
  std::vector<std::string_view> names;
  for (const auto& [flag, name] : all) {
    if ((flags & flag) != 0) names.push_back(name);
  }
  return names;
}

std::string_view paced_state_text(const sluice_paced_flow& paced) {
  constexpr int fins = SLUICE_PACED_CLIENT_FIN | SLUICE_PACED_SERVER_FIN;
  if ((paced.flags & SLUICE_PACED_CLIENT_SYN) == 0) return "unseen";
  if ((paced.flags & fins) != 0) return "closing";
  return (paced.flags & SLUICE_PACED_OPEN) != 0 ? "open" : "opening";
}

uint32_t least_round_trip_us(const sluice_paced_flow& paced) {
  return roundtrip_least_us(&paced.round_trip);
}

std::string_view translation_state_text(uint8_t state) {
  switch (state) {
    case SLUICE_TRANSLATION_OPENING:
      return "opening";
    case SLUICE_TRANSLATION_OPEN:
      return "open";
    case SLUICE_TRANSLATION_FINISHED:
      return "finished";
    case SLUICE_TRANSLATION_RESET:
      return "reset";
    default:
      return "unknown";
  }
}

}  // namespace sluice
