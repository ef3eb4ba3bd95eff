// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/kernel_packet_path.h"

#include <algorithm>
#include <bit>
#include <set>

#include "kernel/state/open_map_into.h"
#include "kernel/state/records.h"
#include "kernel/system/clock.h"
#include "kernel/system/routes.h"
#include "model/service_table.h"

namespace sluice {

Result<KernelPacketPath> KernelPacketPath::open(const std::string& directory,
                                                const KernelConfiguration& configuration) {
  const Capacities capacities = configuration.capacities();
  KernelPacketPath opened;
  opened.directory_ = directory;
  opened.seed_ = configuration.root().seed;
  opened.table_buckets_ =
      service_table_buckets(service_table_entries(capacities.services, capacities.backends));
  TRY(open_map_into(opened.endpoints_, directory, "endpoints"));
  TRY(open_map_into(opened.service_tables_, directory, "service_tables"));
  TRY(open_map_into(opened.service_prefixes_, directory, "service_prefixes"));
  TRY(open_map_into(opened.address_filter_, directory, "address_filter"));
  TRY(open_map_into(opened.backends_, directory, "backends"));
  TRY(open_map_into(opened.backends_freed_, directory, "backends_freed"));
  TRY(open_map_into(opened.flows_, directory, "flows"));
  TRY(open_map_into(opened.half_open_, directory, "half_open"));
  TRY(open_map_into(opened.translations_, directory, "translations"));
  opened.ring_store_ = TRY(RingStore::open(directory));
  // libbpf gives a map of maps, such as `service_tables`, no BTF.
  opened.inner_maps_ = InnerMaps(configuration.btf_id());
  return opened;
}

uint32_t KernelPacketPath::now_s() const {
  return monotonic_coarse_s();
}

Result<Ring> KernelPacketPath::ring(const Service& service) {
  const auto lines = TRY(ring_store_.read(service.number));
  return lines.empty() ? Ring{} : ring_from_lines(lines);
}

// One wait for all rings; more only if the former rings leave no room for new ones.
Result<void> KernelPacketPath::swap_rings(const std::vector<std::pair<Service, Ring>>& rings) {
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

Result<void> KernelPacketPath::write_backend(const Service& service, const Backend& backend,
                                             const Address& source) {
  return backends_.put(backend.number, path_record(service, backend, source));
}

Result<void> KernelPacketPath::erase_backend_record(uint32_t backend) {
  if (auto put = backends_.put(backend, sluice_backend{}); !put) return put;
  return backends_freed_.put(backend, monotonic_ns());
}

Result<std::vector<uint64_t>> KernelPacketPath::backends_freed() {
  return backends_freed_.mapped_values();
}

Result<Route> KernelPacketPath::route_towards(const Address& destination) {
  return sluice::route_towards(destination);
}

Result<std::optional<Address>> KernelPacketPath::backend_source(uint32_t backend) {
  auto record = TRY(backends_.find(backend));
  if (!record || record->state == 0) return std::optional<Address>{};
  return std::optional<Address>(Address(record->source));
}

Result<std::vector<Address>> KernelPacketPath::backend_sources(
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

}  // namespace sluice
