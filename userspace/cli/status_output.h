// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Everything that `sluice status` shows, as JSON and as text.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/json.h"
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
  std::string congestion_unsupported;  // why this kernel cannot load one; empty: it can
  Capacities capacities;
  std::vector<MapMemory> memory;  // by name
};

[[nodiscard]] Json release_json(const Release& release);
[[nodiscard]] Json status_json(const StatusView& status);
void print_status(std::ostream& out, const StatusView& status);

}  // namespace sluice
