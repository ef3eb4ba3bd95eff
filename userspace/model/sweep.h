// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// When a moving slot may settle: the decision alone, on what was read of the ring and of the tables
// of flows. bpf/pure/tracking.h has the invariant that it keeps; control/sweep.h does the rest.
#pragma once

#include <cstdint>
#include <vector>

#include "model/ring.h"
#include "model/service.h"

namespace sluice {

// A tracked flow of the ring's service.
struct FlowInRing {
  uint32_t hash = 0;
  uint32_t backend = 0;
  bool lives = false;
};

// A tracked flow lives unless it was silent for longer than its service's time-out. A connection
// that is half open is given up sooner, and with a backend that is down nobody lives.
[[nodiscard]] bool flow_lives(const Service& service, uint32_t seen_s, bool half_open,
                              bool backend_down, uint32_t now_s);

struct Sweep {
  Ring ring;                // after it
  size_t settled = 0;       // slots that it settles
  size_t moving = 0;        // slots that still move
  size_t departing = 0;     // living flows that depart from the backend of a slot that still moves
  uint32_t youngest_s = 0;  // for how long the youngest slot that still moves has done so
};

// Settles every slot that has moved for longer than the time-out and from whose backend no living
// flow departs. Older flows that are unknown may be silent only for so long, and were seen since; a
// flow that comes between the reading of the tables and the swap of the ring is either new, and
// does not depart, or was silent for too long.
[[nodiscard]] Sweep ring_sweep(const Service& service, Ring ring,
                               const std::vector<FlowInRing>& flows, uint32_t now_s);

}  // namespace sluice
