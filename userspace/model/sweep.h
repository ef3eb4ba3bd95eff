// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Decides when a moving slot may settle, from the ring and the tracked flows. bpf/pure/tracking.h
// has the invariant; control/settle.h reads and writes the maps.
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

// A tracked flow lives unless it was silent for longer than its service's time-out. A half-open
// connection has a shorter time-out, and no flow of a backend that is down lives.
[[nodiscard]] bool flow_lives(const Service& service, uint32_t seen_s, bool half_open,
                              bool backend_down, uint32_t now_s);

struct Sweep {
  Ring ring;                // after it
  size_t settled = 0;       // slots that it settles
  size_t moving = 0;        // slots that still move
  size_t departing = 0;     // living flows that depart from the backend of a slot that still moves
  uint32_t youngest_s = 0;  // for how long the youngest slot that still moves has done so
};

// Settles every slot that has moved for longer than the time-out and whose living flows all have
// the slot's backend. A flow that began before the slot moved has sent since, or has timed out. A
// flow that arrives between the reading of the tables and the swap of the ring is either new, and
// has the slot's backend, or has timed out.
[[nodiscard]] Sweep ring_sweep(const Service& service, Ring ring,
                               const std::vector<FlowInRing>& flows, uint32_t now_s);

}  // namespace sluice
