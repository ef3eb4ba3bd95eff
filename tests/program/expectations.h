// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The expected output packets, built whole with packets.h and independent of the program under
// test.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "packets.h"
#include "sluice/flow.h"
#include "sluice/instance.h"

namespace sluice::stage {

// The hash that selects a packet's slot, and the slot in a ring of `slots`. For a service with
// client affinity, the salt replaces the ports.
[[nodiscard]] uint32_t flow_hash(const sluice_seed& seed, packets::Packet packet,
                                 std::optional<uint32_t> salt = {});
[[nodiscard]] size_t slot_of(uint32_t hash, size_t slots);

// The 5-tuple of a packet as a map key.
[[nodiscard]] sluice_flow flow_of(packets::Packet packet);
[[nodiscard]] sluice_flow reverse(const sluice_flow& flow);
[[nodiscard]] bool same_flow(const sluice_flow& a, const sluice_flow& b);

// The outer header: IP alone or, with a GUE variant, IP and UDP (and GUE's 4 bytes in variant 0).
struct Outer {
  Outer(packets::Family outer_family,
        std::optional<uint8_t> variant = {})  // NOLINT: implicit from a family
      : family(outer_family), gue_variant(variant) {}
  [[nodiscard]] size_t bytes() const;

  packets::Family family;
  std::optional<uint8_t> gue_variant;
};

// `sent` in an outer header from the director to a backend, with the TTL decremented and without
// VLAN tags. `hash` is flow_hash(): an outer IPv6 header carries its top 20 bits, a UDP source port
// its top 14.
[[nodiscard]] packets::Packet encapsulated(const packets::Packet& sent, const Outer& outer,
                                           const packets::Host& backend, uint32_t hash,
                                           const packets::Host& mac_from,
                                           const packets::Host& mac_to);
// `sent` with the TTL decremented, other MACs and no VLAN tags.
[[nodiscard]] packets::Packet forwarded(packets::Packet sent, const packets::Host& mac_from,
                                        const packets::Host& mac_to);

// One end of a translated packet.
struct End {
  packets::Host host;
  uint16_t port = 0;
};

// `sent` with both ends replaced, the TTL decremented, no VLAN tags, and the checksums updated.
[[nodiscard]] packets::Packet translated(packets::Packet sent, const End& from, const End& to,
                                         const packets::Host& mac_from,
                                         const packets::Host& mac_to);

// Two fragments of a packet without extension headers. `first_bytes`: bytes behind the first one's
// IP header, a multiple of 8.
[[nodiscard]] std::array<packets::Packet, 2> fragments_of(packets::Packet whole, size_t first_bytes,
                                                          uint32_t id);

[[nodiscard]] uint16_t source_port(packets::Packet packet);
[[nodiscard]] packets::Packet between(packets::Packet packet, const packets::Host& mac_from,
                                      const packets::Host& mac_to);
[[nodiscard]] packets::Packet without_tags(const packets::Packet& packet);
[[nodiscard]] packets::Packet with_ttl(packets::Packet packet, uint8_t ttl);
// A short frame as a network card delivers it.
[[nodiscard]] packets::Frame padded(packets::Frame frame, size_t bytes);

}  // namespace sluice::stage
