// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Consistent-hash rings: the backend of each slot (Maglev: Eisenbud et al., NSDI 2016, section 3.4,
// with weights), and the transition of a live ring that moves no connection.
#pragma once

#include <cstdint>
#include <vector>

#include "model/address.h"
#include "sluice/ring.h"

namespace sluice {

struct RingMember {
  uint32_t backend = 0;   // its number
  uint64_t identity = 0;  // backend_identity(): the same on every director, whatever the number
  uint32_t weight = 0;    // 0: takes no slot
};

// A stable 64-bit hash of a backend's address and port; the order of its turns depends on nothing
// else.
[[nodiscard]] uint64_t backend_identity(const HostPort& at);

// The slots of a ring for so many backends, as bits: at least 64 slots per backend, within
// SLUICE_RING_BITS_MIN and _MAX, and never fewer than `current_bits`.
[[nodiscard]] uint8_t ring_bits_for(size_t backends, uint8_t current_bits);

// One backend number for each of the 1 << ring_bits slots; 0 in all of them if no backend has
// weight. Slots are shared by weight, exact to one slot per backend. The order of `members` does
// not matter. The permutation step is odd, hence coprime to the power of two.
[[nodiscard]] std::vector<uint32_t> maglev_build(std::vector<RingMember> members,
                                                 uint8_t ring_bits);

struct RingSlot {
  uint32_t backend = 0;   // 0: none
  uint32_t previous = 0;  // 0: none
  bool moving = false;
  uint32_t since_s = 0;  // of a moving slot: when it left its settled state (sluice/ring.h)

  friend bool operator==(const RingSlot&, const RingSlot&) = default;
};

using Ring = std::vector<RingSlot>;  // a power of two slots, or none at all

// The ring with twice, four times ... the slots; every flow keeps its backend.
[[nodiscard]] Ring ring_refine(const Ring& ring, uint8_t ring_bits);

// The ring after a change: `target` (of the same size, from maglev_build) becomes each slot's
// backend. A settled slot that changes starts to move, at `now_s`, and keeps its former backend as
// `previous`; a moving slot keeps its `previous` through further changes. A backend in `down` is
// never `previous`: the slot's own backend replaces it, if it has one. A settled slot without a
// backend settles at once; any other stays moving, because the flow table may have connections of
// it.
[[nodiscard]] Ring ring_transition(const Ring& ring, const std::vector<uint32_t>& target,
                                   const std::vector<uint32_t>& down, uint32_t now_s = 0);

// Every slot settled on its backend, for a service whose connections are tracked as translations
// (snat). model/sweep.h settles the others.
[[nodiscard]] Ring ring_settled(Ring ring);
[[nodiscard]] size_t ring_moving_slots(const Ring& ring);

// To and from lines of map `ring_lines`. The slots of a line share one time there, that of the
// youngest. `timeout_s`: service_timeout_s().
[[nodiscard]] std::vector<sluice_ring_line> ring_lines(const Ring& ring, uint32_t timeout_s);
[[nodiscard]] Ring ring_from_lines(const std::vector<sluice_ring_line>& lines);

// Lines for the rings of so many services and backends, all of them moving, with room to replace
// one ring of the largest size, and line 0 (sluice_ring_head).
[[nodiscard]] uint32_t ring_store_lines(uint32_t services, uint32_t backends);

}  // namespace sluice
