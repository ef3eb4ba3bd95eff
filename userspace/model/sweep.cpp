// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/sweep.h"

#include <algorithm>

#include "model/flow_slot.h"
#include "pure/tracking.h"

namespace sluice {

bool flow_lives(const Service& service, uint32_t seen_s, bool half_open, bool backend_down,
                uint32_t now_s) {
  const uint32_t timeout_s = service_timeout_s(service);
  return !backend_down &&
         !tracking_silent(now_s, seen_s,
                          half_open ? tracking_half_open_timeout_s(timeout_s) : timeout_s);
}

Sweep ring_sweep(const Service& service, Ring ring, const std::vector<FlowInRing>& flows,
                 uint32_t now_s) {
  std::vector<uint32_t> departing(ring.size());
  for (const FlowInRing& flow : flows) {
    if (ring.empty()) break;
    const size_t slot = slot_of(flow.hash, ring.size());
    if (flow.lives && flow.backend != ring[slot].backend) departing[slot]++;
  }
  Sweep sweep;
  uint32_t youngest_since_s = 0;
  for (size_t i = 0; i < ring.size(); i++) {
    RingSlot& slot = ring[i];
    if (!slot.moving) continue;
    if (departing[i] == 0 && tracking_silent(now_s, slot.since_s, service_timeout_s(service))) {
      slot = {slot.backend, 0, false, 0};
      sweep.settled++;
      continue;
    }
    sweep.moving++;
    sweep.departing += departing[i];
    youngest_since_s = std::max(youngest_since_s, slot.since_s);
  }
  sweep.youngest_s = now_s > youngest_since_s ? now_s - youngest_since_s : 0;
  sweep.ring = std::move(ring);
  return sweep;
}

}  // namespace sluice
