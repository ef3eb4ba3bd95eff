// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/kernel_dataplane.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <set>

#include "kernel/state/congestion_sums.h"
#include "kernel/state/records.h"
#include "kernel/state/release.h"
#include "kernel/system/clock.h"
#include "kernel/system/routes.h"

namespace sluice {
namespace {

constexpr uint32_t kRoot = 0;

}  // namespace

Result<std::unique_ptr<KernelDataplane>> KernelDataplane::open(const std::string& directory) {
  auto plane = std::make_unique<KernelDataplane>();
  plane->directory_ = directory;
  std::optional<Error> error;
  const auto open_one = [&](auto& map, const char* name) {
    if (error) return;
    auto opened = std::decay_t<decltype(map)>::open(directory, name);
    if (opened)
      map = std::move(*opened);
    else
      error = opened.error();
  };
  auto root = TRY(instance_root(directory));
  plane->root_ = root;
  open_one(plane->instance_, "instance");
  open_one(plane->service_configs_, "service_configs");
  open_one(plane->backend_configs_, "backend_configs");
  open_one(plane->policies_, "policies");
  open_one(plane->source_filters_, "source_filters");
  open_one(plane->client_weights_, "client_weights");
  open_one(plane->endpoints_, "endpoints");
  open_one(plane->service_tables_, "service_tables");
  open_one(plane->service_prefixes_, "service_prefixes");
  open_one(plane->address_filter_, "address_filter");
  open_one(plane->backends_, "backends");
  open_one(plane->backends_freed_, "backends_freed");
  open_one(plane->flows_, "flows");
  open_one(plane->half_open_, "half_open");
  open_one(plane->translations_, "translations");
  open_one(plane->backend_paths_, "backend_paths");
  open_one(plane->verdicts_, "verdicts");
  open_one(plane->shares_, "shares");
  open_one(plane->flow_totals_, "flow_totals");
  if (error) return tl::unexpected(*error);
  auto rings = TRY(RingStore::open(directory));
  plane->ring_store_ = std::move(rings);
  auto inner = TRY(InnerMaps::open(plane->instance_.btf_id()));
  plane->inner_maps_ = std::move(inner);
  return plane;
}

uint32_t KernelDataplane::now_s() const {
  return monotonic_coarse_s();
}

Capacities KernelDataplane::capacities() const {
  return {.services = service_configs_.capacity(),
          .backends = backend_configs_.capacity(),
          .filters = source_filters_.capacity(),
          .client_weights = client_weights_.capacity(),
          .flows = flows_.capacity()};
}

Result<std::vector<Service>> KernelDataplane::services() {
  auto entries = TRY(service_configs_.entries());
  std::vector<Service> services;
  services.reserve(entries.size());
  for (const auto& [name, config] : entries) services.push_back(service_from(name, config));
  std::sort(services.begin(), services.end(),
            [](const Service& a, const Service& b) { return a.name < b.name; });
  return services;
}

Result<std::vector<Backend>> KernelDataplane::backends() {
  auto entries = TRY(backend_configs_.entries());
  // By number. Only the numbers are sorted: moving thousands of records costs more.
  std::vector<std::pair<uint32_t, uint32_t>> order;
  order.reserve(entries.size());
  for (uint32_t i = 0; i < entries.size(); i++) order.emplace_back(entries[i].second.backend, i);
  std::sort(order.begin(), order.end());
  std::vector<Backend> backends;
  backends.reserve(entries.size());
  for (const auto& [number, i] : order)
    backends.push_back(backend_from(entries[i].first, entries[i].second));
  return backends;
}

Result<std::vector<std::pair<uint32_t, Policy>>> KernelDataplane::policies() {
  auto entries = TRY(policies_.entries());
  std::vector<std::pair<uint32_t, Policy>> policies;
  for (const auto& [service, record] : entries) policies.emplace_back(service, policy_from(record));
  std::sort(policies.begin(), policies.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return policies;
}

Result<void> KernelDataplane::put_service(const Service& service) {
  return service_configs_.put(name_record(service.name), service_record(service));
}

Result<void> KernelDataplane::erase_service(const Service& service) {
  return service_configs_.erase(name_record(service.name));
}

Result<void> KernelDataplane::put_backend(const Backend& backend) {
  return backend_configs_.put(backend_key(backend), backend_record(backend));
}

Result<void> KernelDataplane::erase_backend(const Backend& backend) {
  return backend_configs_.erase(backend_key(backend));
}

Result<void> KernelDataplane::put_policy(uint32_t service, const Policy& policy) {
  return policies_.put(service, policy_record(policy));
}

Result<void> KernelDataplane::erase_policy(uint32_t service) {
  TRY(policies_.erase(service));
  return shares_.erase(service);
}

Result<std::vector<Filter>> KernelDataplane::filters() {
  auto entries = TRY(source_filters_.entries());
  std::vector<Filter> filters;
  filters.reserve(entries.size());
  for (const auto& [key, record] : entries) filters.push_back(filter_from(key, record));
  std::sort(filters.begin(), filters.end(), [](const Filter& a, const Filter& b) {
    return a.service == b.service ? a.prefix < b.prefix : a.service < b.service;
  });
  return filters;
}

Result<void> KernelDataplane::put_filters(const std::vector<Filter>& filters) {
  std::vector<std::pair<sluice_filter_key, uint32_t>> entries;
  for (const Filter& filter : filters)
    entries.emplace_back(filter_key(filter), filter_record(filter));
  return source_filters_.put_all(entries);
}

Result<void> KernelDataplane::erase_filters(const std::vector<Filter>& filters) {
  for (const Filter& filter : filters) TRY(source_filters_.erase(filter_key(filter)));
  return {};
}

Result<std::vector<ClientWeight>> KernelDataplane::client_weights() {
  auto entries = TRY(client_weights_.entries());
  std::vector<ClientWeight> weights;
  weights.reserve(entries.size());
  for (const auto& [key, weight] : entries) weights.push_back(client_weight_from(key, weight));
  std::sort(weights.begin(), weights.end(), [](const ClientWeight& a, const ClientWeight& b) {
    return a.service == b.service ? a.prefix < b.prefix : a.service < b.service;
  });
  return weights;
}

Result<void> KernelDataplane::put_client_weight(const ClientWeight& weight) {
  return client_weights_.put(client_weight_key(weight), weight.weight);
}

Result<void> KernelDataplane::erase_client_weight(const ClientWeight& weight) {
  return client_weights_.erase(client_weight_key(weight));
}

Result<uint32_t> KernelDataplane::pending() {
  auto root = TRY(instance_.find(kRoot));
  return root.value_or(sluice_instance{}).pending;
}

Result<void> KernelDataplane::set_pending(uint32_t service) {
  root_.pending = service;
  return instance_.put(kRoot, root_);
}

Result<Ring> KernelDataplane::ring(const Service& service) {
  const auto lines = TRY(ring_store_.read(service.number));
  return lines.empty() ? Ring{} : ring_from_lines(lines);
}

Result<void> KernelDataplane::swap_ring(const Service& service, const Ring& ring) {
  return swap_rings({{service, ring}});
}

Result<void> KernelDataplane::erase_ring(uint32_t service) {
  Service gone;
  gone.number = service;
  return swap_rings({{gone, {}}});
}

// One wait for all rings; more only if the former rings leave no room for new ones.
Result<void> KernelDataplane::swap_rings(const std::vector<std::pair<Service, Ring>>& rings) {
  bool unseen = false;  // something was written that packets may not see yet
  const auto wait = [&]() -> Result<void> {
    TRY(wait_for_packets(service_tables_));
    ring_store_.reuse();
    unseen = false;
    return {};
  };
  for (const auto& [service, ring] : rings) {
    if (ring.empty()) {
      unseen = ring_store_.erase(service.number) || unseen;
      continue;
    }
    const auto bits = static_cast<uint8_t>(std::countr_zero(ring.size()));
    const auto lines = ring_lines(ring, service_timeout_s(service));
    auto written = ring_store_.write(service.number, lines, bits);
    if (!written && unseen) {
      TRY(wait());
      written = ring_store_.write(service.number, lines, bits);
    }
    if (!written) return written;
    unseen = true;
  }
  return unseen ? wait() : Result<void>{};
}

Result<void> KernelDataplane::write_backend(const Service& service, const Backend& backend,
                                            const Address& source) {
  return backends_.put(backend.number, path_record(service, backend, source));
}

Result<void> KernelDataplane::erase_backend_record(uint32_t backend) {
  if (auto put = backends_.put(backend, sluice_backend{}); !put) return put;
  return backends_freed_.put(backend, monotonic_ns());
}

Result<std::vector<uint64_t>> KernelDataplane::backends_freed() {
  return backends_freed_.mapped_values();
}

Result<Route> KernelDataplane::route_towards(const Address& destination) {
  return sluice::route_towards(destination);
}

Result<std::optional<Address>> KernelDataplane::backend_source(uint32_t backend) {
  auto record = TRY(backends_.find(backend));
  if (!record || record->state == 0) return std::optional<Address>{};
  return std::optional<Address>(Address(record->source));
}

Result<std::vector<Address>> KernelDataplane::backend_sources(
    const std::vector<uint32_t>& backends) {
  if (backends.empty()) return std::vector<Address>{};
  const auto [lowest, highest] = std::minmax_element(backends.begin(), backends.end());
  std::vector<bool> asked(size_t{*highest} + 1, false);
  for (const uint32_t backend : backends) asked[backend] = true;
  std::set<Address> sources;
  auto read = backends_.for_range(*lowest, *highest, [&](uint32_t number, const auto& record) {
    if (asked[number] && record.state != 0) sources.insert(Address(record.source));
  });
  if (!read) return tl::unexpected(read.error());
  return std::vector<Address>(sources.begin(), sources.end());
}

Result<Traffic> KernelDataplane::backend_traffic(uint32_t backend) {
  auto paths = TRY(backend_paths_.read(backend));
  Traffic traffic;
  for (const auto& path : paths) traffic += Traffic{path.packets, path.bytes, path.connections};
  return traffic;
}

Result<void> KernelDataplane::clear_backend_traffic(uint32_t backend) {
  return backend_paths_.clear(backend);
}

Result<void> KernelDataplane::clear_verdicts(uint32_t service) {
  TRY(flow_totals_.clear(service));
  TRY(verdicts_.clear(service));
  return purge_congestion_sums(directory_, service);
}

Result<FlowTotals> KernelDataplane::flow_totals(uint32_t service) {
  auto per_cpu = TRY(flow_totals_.read(service));
  FlowTotals totals;
  for (const auto& cpu : per_cpu) {
    totals.begun += cpu.begun;
    totals.finished += cpu.finished;
    totals.reset += cpu.reset;
    totals.windows_lowered += cpu.windows_lowered;
    totals.server_retransmits += cpu.server_retransmits;
    totals.client_retransmits += cpu.client_retransmits;
  }
  return totals;
}

Result<std::vector<VerdictCount>> KernelDataplane::verdicts(uint32_t service) {
  auto per_cpu = TRY(verdicts_.read(service));
  std::vector<VerdictCount> counts;
  for (size_t i = 0; i < SLUICE_VERDICT_COUNT; i++) {
    VerdictCount count{static_cast<sluice_verdict>(i), 0, 0};
    for (const auto& counters : per_cpu) {
      sluice_counter counter{};
      memcpy(&counter, reinterpret_cast<const char*>(&counters) + i * sizeof(counter),
             sizeof(counter));
      count.packets += counter.packets;
      count.bytes += counter.bytes;
    }
    if (count.packets != 0) counts.push_back(count);
  }
  return counts;
}

}  // namespace sluice
