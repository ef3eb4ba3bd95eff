// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/flow_slot.h"

#include <cstring>

#include "model/address.h"

// Kernel-side code, for a compiler that does not warn of narrowing.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include "pure/hash.h"
#pragma GCC diagnostic pop

namespace sluice {

uint32_t flow_ports(const sluice_flow& flow) {
  // In the order of the packet.
  uint32_t ports = 0;
  memcpy(&ports, &flow.source_port, sizeof(ports));
  return ports;
}

uint32_t flow_hash(const sluice_seed& seed, const sluice_flow& flow, uint32_t ports) {
  uint32_t words[4];
  memcpy(words, flow.source.bytes, sizeof(words));
  if (Address(flow.source).is_v4()) return flow_hash_v4(seed.words, words[3], ports);
  return flow_hash_v6(seed.words, words, ports);
}

}  // namespace sluice
