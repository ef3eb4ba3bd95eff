// Lays out the packet path's table of services: two-choice buckets of one cache line, found by the
// hashes of bpf/pure/hash.h. Built whole for every change and swapped whole.
#pragma once

#include <cstdint>
#include <vector>

#include "sluice/instance.h"
#include "sluice/service.h"
#include "support/result.h"

namespace sluice {

// The power of two buckets that so many entries are laid out in: at most half full, at least 64.
[[nodiscard]] size_t service_table_buckets(size_t entries);

// Every entry in one of its two buckets (cuckoo insertion, bounded) of a table of `buckets`, a
// power of two: all tables of an instance have one size. Entries must have distinct endpoints.
Result<std::vector<sluice_service_bucket>> service_table_layout(
    const std::vector<sluice_service_entry>& entries, const sluice_seed& seed, size_t buckets);

}  // namespace sluice
