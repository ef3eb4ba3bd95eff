// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/flow_view.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace sluice {
namespace {

// Names of services and backends by the numbers that the maps keep.
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

    // Two kinds of flows go to the backend's own endpoint: a translated tuple, and a socket of a
    // server on this host.
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

std::vector<std::string_view> tables_of(const FlowRecord& record) {
  std::vector<std::string_view> names;
  if (record.tracked) names.emplace_back(record.half_open ? "half_open" : "tracked");
  if (record.translation) names.emplace_back("translated");
  if (record.departures) names.emplace_back("departures");
  if (record.paced) names.emplace_back("paced");
  if (record.congestion) names.emplace_back("congestion");
  return names;
}

}  // namespace sluice
