#include "model/service_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "model/demand.h"

// Kernel-side code: it is written for a compiler that does not warn of narrowing.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include "pure/hash.h"
#pragma GCC diagnostic pop

namespace sluice {

namespace {

using Buckets = std::vector<sluice_service_bucket>;

constexpr size_t kBucketsMin = 64;
struct Choice {
  uint32_t first;
  uint32_t second;
};

Choice choice_of(const sluice_service_entry& entry, const sluice_seed& seed, uint32_t mask) {
  uint64_t halves[2];
  static_assert(sizeof(halves) == sizeof(entry.address.bytes));
  std::memcpy(halves, entry.address.bytes, sizeof(halves));
  uint32_t hash = service_hash(seed.words, address_hash_sum(seed.words, halves[0], halves[1]),
                               service_word(entry.port, entry.l4_proto));
  return {service_hash_first(hash, mask), service_hash_second(hash, mask)};
}

bool put(sluice_service_bucket& bucket, const sluice_service_entry& entry) {
  for (sluice_service_entry& place : bucket.entries) {
    if (place.used != 0) continue;
    place = entry;
    return true;
  }
  return false;
}

// Cuckoo insertion: where both buckets are full, `entry` takes a place and whoever had it goes to
// its other bucket, which may push again. Places take turns, so that no two entries only swap.
bool insert(Buckets& buckets, sluice_service_entry entry, const sluice_seed& seed) {
  const auto mask = static_cast<uint32_t>(buckets.size() - 1);
  const size_t pushes_max = 32 + 4 * static_cast<size_t>(std::bit_width(buckets.size()));
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

size_t service_table_buckets(size_t entries) {
  // Two places a bucket, one of them used on average.
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
        "services: {} endpoints found no layout in the {} places of this instance's table; an "
        "instance for more services has a larger one",
        entries.size(), buckets * SLUICE_BUCKET_ENTRIES);
  }
  return table;
}

}  // namespace sluice
