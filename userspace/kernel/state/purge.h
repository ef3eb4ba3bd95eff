// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Marks tracked flows of removed backends, by a program in the kernel (bpf/purge.bpf.c).
#pragma once

#include <vector>

#include "sluice/purge.h"
#include "support/result.h"

namespace sluice {

// File descriptors of the maps.
struct PurgeTables {
  int half_open;
  int flows;
  int translations;
};

// Sets the backend of each entry to 0 if it is still the given one. Compared and set in the kernel,
// because packets change entries meanwhile.
Result<void> purge_entries(const PurgeTables& tables, sluice_purge_table table,
                           const std::vector<sluice_purge_entry>& entries);

}  // namespace sluice
