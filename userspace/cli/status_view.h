// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Everything that `sluice status` shows, put together once for both of its spellings.
#pragma once

#include <string>
#include <vector>

#include "control/views.h"
#include "kernel/congestion/control.h"
#include "kernel/device/attach.h"
#include "kernel/state/release.h"
#include "kernel/system/memory.h"

namespace sluice {

struct StatusView {
  std::string instance;
  std::string directory;
  Release programs;
  std::vector<Attachment> attachments;
  std::vector<ServiceView> services;
  std::vector<VerdictCount> verdicts;  // of packets that belong to no service
  std::vector<CongestionControl> congestion;
  std::string congestion_unsupported;  // why this kernel can have none; empty: it can
  Capacities capacities;
  std::vector<MapMemory> memory;  // by name
};

// A verdict with the service whose packets it became of; no name: of none.
struct NamedVerdict {
  std::string service;
  VerdictCount count;
};

// Dropped packets first, then as the contract lists the verdicts; by service within one verdict.
[[nodiscard]] std::vector<NamedVerdict> verdicts_of(const StatusView& status);

[[nodiscard]] size_t backends_up(const ServiceView& view);

// What there is, of what there is room for.
struct Used {
  size_t services = 0;
  size_t backends = 0;
  size_t filters = 0;
};
[[nodiscard]] Used used_by(const StatusView& status);
[[nodiscard]] uint64_t memory_bytes(const StatusView& status);

}  // namespace sluice
