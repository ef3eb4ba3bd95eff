// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What derives from the configuration, brought up to date: backend records, endpoints, rings and
// the service table. Pure function of the configuration and of the live rings, so that it may be
// repeated, cut off anywhere and repeated again.
#pragma once

#include "control/dataplane.h"
#include "control/derive.h"

namespace sluice {

// Finishes what a killed command began. Every command that changes something calls it first, under
// the lock; nothing pending is the common case and costs one look-up. True: something was finished.
Result<bool> recover(Dataplane& dataplane);

// Brings what derives from one service's configuration up to date: finishes removals (a backend
// that is `removing` leaves the ring, is purged, its traffic is added to its service's retired,
// its record and configuration are erased; likewise a service), writes missing backend records,
// sets endpoints, makes the ring's transition (model/ring.h) and swaps it, swaps the service table
// where that has to change. control/derive.h has the order, and why it is that one.
Result<void> derive(Dataplane& dataplane, uint32_t service);

}  // namespace sluice
