// What should become of a packet, built whole with packets.h and without a look at what the program
// made of it.
#pragma once

#include <cstdint>

#include "packets.h"
#include "sluice/flow.h"
#include "sluice/instance.h"

namespace sluice::stage {

// The hash by which steer finds a packet's slot, and the slot of a ring with so many.
[[nodiscard]] uint32_t flow_hash(const sluice_seed& seed, packets::Packet packet);
[[nodiscard]] size_t slot_of(uint32_t hash, size_t slots);

// The 5-tuple of a packet, as it is a key of the maps.
[[nodiscard]] sluice_flow flow_of(packets::Packet packet);
[[nodiscard]] sluice_flow reverse(const sluice_flow& flow);
[[nodiscard]] bool same_flow(const sluice_flow& a, const sluice_flow& b);

// `sent` in an outer header from the director to a backend, with one hop less to live, between the
// MACs of two hosts. `hash` is flow_hash(), of which an outer IPv6 header carries the top 20 bits.
[[nodiscard]] packets::Packet encapsulated(const packets::Packet& sent, packets::Family outer,
                                           const packets::Host& backend, uint32_t hash,
                                           const packets::Host& mac_from,
                                           const packets::Host& mac_to);

// One end of a translated packet.
struct End {
  packets::Host host;
  uint16_t port = 0;
};

// `sent` with both ends replaced, one hop less to live, and the checksums that follow.
[[nodiscard]] packets::Packet translated(packets::Packet sent, const End& from, const End& to,
                                         const packets::Host& mac_from,
                                         const packets::Host& mac_to);

[[nodiscard]] uint16_t source_port(packets::Packet packet);
[[nodiscard]] packets::Packet between(packets::Packet packet, const packets::Host& mac_from,
                                      const packets::Host& mac_to);
[[nodiscard]] packets::Packet with_ttl(packets::Packet packet, uint8_t ttl);
// As a network card delivers a short frame.
[[nodiscard]] packets::Frame padded(packets::Frame frame, size_t bytes);

}  // namespace sluice::stage
