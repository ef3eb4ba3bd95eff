// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tables that all services of an instance share:
//   service_tables    the hash table by which packets find a service
//   service_prefixes  the trie of services with a prefix
//   address_filter    the bit filter that is asked before both
//   endpoints         by which the programs other than steer find a service
#include <algorithm>
#include <cstring>
#include <map>

#include "kernel/state/kernel_packet_path.h"
#include "kernel/state/records.h"
#include "model/service_table.h"

namespace sluice {
namespace {

constexpr uint32_t kOnly = 0;  // index of the only element

}  // namespace

Result<void> KernelPacketPath::swap_service_table(const std::vector<TableEntry>& entries) {
  std::vector<sluice_service_entry> records;
  records.reserve(entries.size());
  for (const auto& entry : entries)
    if (!entry.endpoint.is_prefix()) records.push_back(table_record(entry));
  auto buckets = TRY(service_table_layout(records, seed_, table_buckets_));

  auto before = TRY(address_filter_.find(kOnly));
  const auto after = address_filter_of(records, records.size() < entries.size(), seed_);
  const auto both = address_filter_union(before.value_or(sluice_address_filter{}), after);
  TRY(address_filter_.put(kOnly, both));
  TRY(set_service_prefixes(entries));
  if (auto swapped = inner_maps_.swap(service_tables_, kOnly, "service_table",
                                      "sluice_service_bucket", buckets, BPF_F_MMAPABLE);
      !swapped)
    return swapped;
  return address_filter_.put(kOnly, after);
}

Result<bool> KernelPacketPath::knows_replies_to(const Address& source) {
  const sluice_service_entry wanted = table_record(
      {.endpoint = {.address = source, .l4_proto = L4Proto::any}, .flags = SLUICE_SERVICE_REPLIES});
  auto table_id = TRY(service_tables_.find(kOnly));
  const Fd table(bpf_map_get_fd_by_id(table_id.value_or(0)));
  for (const uint32_t index : service_table_buckets_of(wanted, seed_, table_buckets_)) {
    sluice_service_bucket bucket{};
    if (bpf_map_lookup_elem(table.get(), &index, &bucket) != 0)
      return failed("map service_tables: its inner table: {}", error_text(errno));
    for (const auto& entry : bucket.entries)
      if (memcmp(&entry, &wanted, sizeof(entry)) == 0) return true;
  }
  return false;
}

// Writes only the differences, so that no packet misses an unchanged prefix.
Result<void> KernelPacketPath::set_service_prefixes(const std::vector<TableEntry>& entries) {
  const auto less = [](const sluice_prefix_key& a, const sluice_prefix_key& b) {
    return memcmp(&a, &b, sizeof(a)) < 0;
  };
  std::map<sluice_prefix_key, sluice_service_entry, decltype(less)> wanted(less);
  for (const auto& entry : entries)
    if (entry.endpoint.is_prefix()) wanted.emplace(prefix_key(entry.endpoint), table_record(entry));

  auto existing = TRY(service_prefixes_.entries());
  for (const auto& [key, entry] : existing) {
    const auto found = wanted.find(key);
    if (found == wanted.end()) {
      TRY(service_prefixes_.erase(key));
    } else if (memcmp(&found->second, &entry, sizeof(entry)) == 0) {
      wanted.erase(found);
    }
  }
  for (const auto& [key, entry] : wanted) TRY(service_prefixes_.put(key, entry));
  return {};
}

Result<void> KernelPacketPath::set_endpoints(
    const std::vector<std::pair<Endpoint, uint32_t>>& endpoints) {
  using Entry = std::pair<sluice_endpoint, uint32_t>;
  const auto less = [](const Entry& a, const Entry& b) {
    return memcmp(&a.first, &b.first, sizeof(a.first)) < 0;
  };
  std::vector<Entry> wanted;
  wanted.reserve(endpoints.size());
  for (const auto& [endpoint, service] : endpoints) wanted.emplace_back(endpoint.raw(), service);
  std::sort(wanted.begin(), wanted.end(), less);
  auto existing = TRY(endpoints_.entries());
  std::sort(existing.begin(), existing.end(), less);

  std::vector<Entry> missing;
  auto has = existing.begin();
  for (const Entry& want : wanted) {
    for (; has != existing.end() && less(*has, want); ++has) TRY(endpoints_.erase(has->first));
    const bool there = has != existing.end() && !less(want, *has);
    if (!there || has->second != want.second) missing.push_back(want);
    if (there) ++has;
  }
  for (; has != existing.end(); ++has) TRY(endpoints_.erase(has->first));
  return endpoints_.put_all(missing);
}

Result<void> KernelPacketPath::set_endpoint(const Endpoint& endpoint, uint32_t service) {
  return service == 0 ? endpoints_.erase(endpoint.raw()) : endpoints_.put(endpoint.raw(), service);
}

}  // namespace sluice
