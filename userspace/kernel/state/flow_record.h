// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an instance's maps hold of one flow.
#pragma once

#include <cstdint>
#include <optional>

#include "sluice/congestion.h"
#include "sluice/flow.h"
#include "sluice/pace.h"

namespace sluice {

// A flow's slot of the departure table, if a packet departed within the last minute.
struct Departures {
  uint32_t service = 0;
  uint64_t bytes = 0;       // since the flow got its slot
  uint64_t departs_ns = 0;  // CLOCK_MONOTONIC: earliest departure of the next packet
  uint32_t weight = 0;      // in a shared rate; 0: the flow shares none
};

// One flow, by the 5-tuple of its client's packets. Each optional is one map's entry; a flow can be
// in several maps.
struct FlowRecord {
  sluice_flow flow{};
  std::optional<sluice_tracked_flow> tracked;
  bool half_open = false;
  std::optional<sluice_translation> translation;  // the direction to the backend
  std::optional<Departures> departures;
  std::optional<sluice_paced_flow> paced;
  std::optional<sluice_congestion_flow> congestion;
};

}  // namespace sluice
