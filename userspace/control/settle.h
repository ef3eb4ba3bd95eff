// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Settles rings that moved: `sluice service settle`. Runs under the lock and can be killed
// anywhere: the next command finishes it (control/recover.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/changes.h"
#include "control/configuration.h"
#include "control/ports/dataplane.h"

namespace sluice {

// The outcome for a service's ring.
struct Settling {
  std::string service;
  size_t settled = 0;       // slots
  size_t moving = 0;        // slots that still move
  size_t departing = 0;     // live tracked flows that keep slots from settling
  size_t purged = 0;        // tracked flows of settled slots; unknown (0) in a dry run
  uint32_t youngest_s = 0;  // for how long the youngest slot that still moves has done so
};

// "settled 256 slots; 12 still move: ..."
[[nodiscard]] std::string settling_text(const Settling& settling);

// Of one service, or of all whose rings move.
Result<std::vector<Settling>> settle_services(Dataplane dataplane,
                                              const std::optional<std::string>& name, Apply apply);

// Purges the tracked flows of settled slots of these services, as a sweep does after its swap.
// Returns the number of flows by service number.
Result<std::map<uint32_t, size_t>> purge_settled_flows(PacketPath& packet_path,
                                                       const Configuration& configuration,
                                                       const std::vector<uint32_t>& services);

// Tracked flows by the number of their backend's service.
Result<std::map<uint32_t, std::vector<TrackedFlow>>> tracked_by_service(
    PacketPath& packet_path, const Configuration& configuration);

}  // namespace sluice
