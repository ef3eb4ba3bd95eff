// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The ring slot of a flow, as bpf/steer/ring_lookup.h finds it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sluice/flow.h"
#include "sluice/instance.h"

namespace sluice {

// Both ports, as they enter the hash if the service's affinity is `flow`.
[[nodiscard]] uint32_t flow_ports(const sluice_flow& flow);

// `ports`: flow_ports(), or the salt of a service of another affinity (sluice_service_entry).
[[nodiscard]] uint32_t flow_hash(const sluice_seed& seed, const sluice_flow& flow, uint32_t ports);

// In a ring whose slots are a power of two: the top bits of the hash.
[[nodiscard]] constexpr size_t slot_of(uint32_t hash, size_t slots) {
  return static_cast<size_t>((uint64_t{hash} * slots) >> 32);
}

}  // namespace sluice
