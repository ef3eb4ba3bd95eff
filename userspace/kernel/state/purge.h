// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Says of tracked flows that their backend has left, in the kernel (bpf/purge.bpf.c).
#pragma once

#include <vector>

#include "sluice/purge.h"
#include "support/result.h"

namespace sluice {

// File descriptors of the maps.
struct ForgettableTables {
  int half_open;
  int flows;
  int translations;
};

// Every entry that still has the backend with which it is given names nobody afterwards; the others
// stay as they are.
Result<void> purge_entries(const ForgettableTables& tables, sluice_purge_table table,
                           const std::vector<sluice_purge_entry>& entries);

}  // namespace sluice
