// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Lays out what the packet path finds services by: a table of two-choice buckets of one cache line,
// found by the hashes of bpf/pure/hash.h, and the filter of addresses before it. Built whole for
// every change and swapped whole.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sluice/instance.h"
#include "sluice/service.h"
#include "support/result.h"

namespace sluice {

// The most entries that so many services and backends can make: each service has its own, its
// address's and the address that its replies come to, and each backend of mode nat has one.
[[nodiscard]] size_t service_table_entries(size_t services, size_t backends);

// The power of two buckets that so many entries are laid out in: at most half full, at least 1024.
[[nodiscard]] size_t service_table_buckets(size_t entries);

// Every entry in one of its two buckets (cuckoo insertion, bounded) of a table of `buckets`, a
// power of two: all tables of an instance have one size. Entries must have distinct endpoints.
Result<std::vector<sluice_service_bucket>> service_table_layout(
    const std::vector<sluice_service_entry>& entries, const sluice_seed& seed, size_t buckets);

// The two buckets that an entry may be in.
[[nodiscard]] std::array<uint32_t, 2> service_table_places(const sluice_service_entry& entry,
                                                           const sluice_seed& seed, size_t buckets);

// The bits and features that a table of these entries needs. Of prefixes every address may be one.
[[nodiscard]] sluice_address_filter address_filter_of(
    const std::vector<sluice_service_entry>& entries, bool has_prefixes, const sluice_seed& seed);

// What either needs.
[[nodiscard]] sluice_address_filter address_filter_union(sluice_address_filter a,
                                                         const sluice_address_filter& b);

}  // namespace sluice
