// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Lays out the table by which the packet path finds services: buckets of one cache line, two
// choices per entry by the hashes of bpf/pure/hash.h, and the filter of addresses before it. Every
// change builds and swaps the whole table.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sluice/instance.h"
#include "sluice/service.h"
#include "support/result.h"

namespace sluice {

// The most entries for so many services and backends. Per service: its endpoint, its address and
// the address that its replies come to. Per backend of mode nat: one.
[[nodiscard]] size_t service_table_entries(size_t services, size_t backends);

// The buckets for so many entries, a power of two: at most half full, at least 1024.
[[nodiscard]] size_t service_table_buckets(size_t entries);

// Puts every entry into one of its two buckets (cuckoo insertion, bounded). `buckets` is a power of
// two, the same for all tables of an instance. Entries have distinct endpoints.
Result<std::vector<sluice_service_bucket>> service_table_layout(
    const std::vector<sluice_service_entry>& entries, const sluice_seed& seed, size_t buckets);

// The two buckets of an entry.
[[nodiscard]] std::array<uint32_t, 2> service_table_buckets_of(const sluice_service_entry& entry,
                                                               const sluice_seed& seed,
                                                               size_t buckets);

// The bits and features that a table of these entries needs. With prefixes, every bit is set.
[[nodiscard]] sluice_address_filter address_filter_of(
    const std::vector<sluice_service_entry>& entries, bool has_prefixes, const sluice_seed& seed);

// The bits and features that either needs.
[[nodiscard]] sluice_address_filter address_filter_union(sluice_address_filter a,
                                                         const sluice_address_filter& b);

}  // namespace sluice
