// Says of remembered flows that their backend has left, in the kernel (bpf/forget.bpf.c).
#pragma once

#include <vector>

#include "sluice/forget.h"
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
Result<void> forget_entries(const ForgettableTables& tables, sluice_forgotten_table table,
                            const std::vector<sluice_forgotten>& entries);

}  // namespace sluice
