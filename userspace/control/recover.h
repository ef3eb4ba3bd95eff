// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Finishes a change that was killed after its announcement. What is derived (backend records,
// endpoints, rings, the service table) depends on the configuration and the live rings alone, so a
// recovery can be killed anywhere and repeated.
#pragma once

#include "control/derive.h"
#include "control/ports/dataplane.h"

namespace sluice {

// Finishes what a killed command began. Every command that changes something calls it first, under
// the lock. If nothing is pending, it costs one look-up. True: something was finished.
Result<bool> recover(Dataplane dataplane);

// Derives everything of one service (or of all: SLUICE_PENDING_ALL) from its configuration:
// finishes removals (a backend that is `removing` leaves the ring, its flows are purged, its
// traffic is added to `retired` of its service, its record and configuration are erased; likewise a
// service), writes missing backend records, sets endpoints, makes the ring's transition
// (model/ring.h) and swaps ring and service table. control/derive.h has the order and its reasons.
Result<void> derive(Dataplane dataplane, uint32_t service);

}  // namespace sluice
