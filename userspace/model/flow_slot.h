// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Where a flow's packets look, as bpf/steer/ring.h does it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sluice/flow.h"
#include "sluice/instance.h"

namespace sluice {

// Both ports, as they stand for a flow in its hash where its service has no affinity of another
// kind.
[[nodiscard]] uint32_t flow_ports(const sluice_flow& flow);

// `ports`: flow_ports(), or the salt that its service has in their place (sluice_service_entry).
[[nodiscard]] uint32_t flow_hash(const sluice_seed& seed, const sluice_flow& flow, uint32_t ports);

// Of a ring of a power of two slots: the top bits.
[[nodiscard]] constexpr size_t slot_of(uint32_t hash, size_t slots) {
  return static_cast<size_t>((uint64_t{hash} * slots) >> 32);
}

}  // namespace sluice
