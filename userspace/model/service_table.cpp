// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/service_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "model/demand.h"

// Kernel-side code, for a compiler that does not warn of narrowing.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include "pure/hash.h"
#pragma GCC diagnostic pop

namespace sluice {

namespace {

using Buckets = std::vector<sluice_service_bucket>;

constexpr size_t kBucketsMin = 1024;
struct Choice {
  uint32_t first;
  uint32_t second;
};

uint64_t address_sum(const sluice_address& address, const sluice_seed& seed) {
  uint64_t halves[2];
  static_assert(sizeof(halves) == sizeof(address.bytes));
  std::memcpy(halves, address.bytes, sizeof(halves));
  return address_hash_sum(seed.words, halves[0], halves[1]);
}

Choice choice_of(const sluice_service_entry& entry, const sluice_seed& seed, uint32_t mask) {
  uint32_t hash = service_hash(seed.words, address_sum(entry.address, seed),
                               service_word(entry.port, entry.l4_proto));
  return {service_hash_first(hash, mask), service_hash_second(hash, mask)};
}

bool put(sluice_service_bucket& bucket, const sluice_service_entry& entry) {
  for (sluice_service_entry& slot : bucket.entries) {
    if (slot.used != 0) continue;
    slot = entry;
    return true;
  }
  return false;
}

// Cuckoo insertion: if both buckets are full, `entry` replaces another one, which goes to its other
// bucket and may replace a third. The replaced position alternates, so that two entries do not swap
// for ever.
bool insert(Buckets& buckets, sluice_service_entry entry, const sluice_seed& seed) {
  const auto mask = static_cast<uint32_t>(buckets.size() - 1);
  const size_t pushes_max = 32 * static_cast<size_t>(std::bit_width(buckets.size()));
  Choice choice = choice_of(entry, seed, mask);
  if (put(buckets[choice.first], entry) || put(buckets[choice.second], entry)) return true;
  uint32_t at = choice.first;
  for (size_t push = 0; push < pushes_max; push++) {
    std::swap(entry, buckets[at].entries[push / 2 % SLUICE_BUCKET_ENTRIES]);
    choice = choice_of(entry, seed, mask);
    at = at == choice.first ? choice.second : choice.first;
    if (put(buckets[at], entry)) return true;
  }
  return false;
}

}  // namespace

size_t service_table_entries(size_t services, size_t backends) {
  return 3 * services + backends;
}

size_t service_table_buckets(size_t entries) {
  // Two entries per bucket, on average at most one in use. At that load, the smallest table had no
  // layout for 1 of 12,000 random seeds; at a load of three quarters, for 1 of 20.
  static_assert(SLUICE_BUCKET_ENTRIES == 2);
  return std::max(kBucketsMin, std::bit_ceil(entries));
}

Result<Buckets> service_table_layout(const std::vector<sluice_service_entry>& entries,
                                     const sluice_seed& seed, size_t buckets) {
  demand(std::has_single_bit(buckets), "service_table_layout: buckets are no power of two");
  Buckets table(buckets);
  for (sluice_service_entry entry : entries) {
    entry.used = 1;
    if (insert(table, entry, seed)) continue;
    return failed(
        "services: {} endpoints found no layout in the {} entries of this instance's table; an "
        "instance for more services has a larger one",
        entries.size(), buckets * SLUICE_BUCKET_ENTRIES);
  }
  return table;
}

std::array<uint32_t, 2> service_table_buckets_of(const sluice_service_entry& entry,
                                                 const sluice_seed& seed, size_t buckets) {
  const Choice choice = choice_of(entry, seed, static_cast<uint32_t>(buckets - 1));
  return {choice.first, choice.second};
}

sluice_address_filter address_filter_of(const std::vector<sluice_service_entry>& entries,
                                        bool has_prefixes, const sluice_seed& seed) {
  sluice_address_filter filter{};
  if (has_prefixes) {
    filter.features |= SLUICE_FEATURE_PREFIXES;
    std::fill(std::begin(filter.words), std::end(filter.words), ~uint64_t{0});
  }
  for (const sluice_service_entry& entry : entries) {
    const uint32_t bit = address_filter_bit(address_sum(entry.address, seed));
    filter.words[bit / 64] |= uint64_t{1} << (bit % 64);
    if (entry.port == 0) filter.features |= SLUICE_FEATURE_ANY_PORT;
    if ((entry.flags & SLUICE_SERVICE_NAT_REPLIES) != 0) filter.features |= SLUICE_FEATURE_NAT;
  }
  return filter;
}

sluice_address_filter address_filter_union(sluice_address_filter a,
                                           const sluice_address_filter& b) {
  a.features |= b.features;
  for (size_t i = 0; i < std::size(a.words); i++) a.words[i] |= b.words[i];
  return a;
}

}  // namespace sluice
