// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What should become of a packet, built whole with packets.h and without a look at what the program
// made of it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "packets.h"
#include "sluice/flow.h"
#include "sluice/instance.h"

namespace sluice::stage {

// The hash by which steer finds a packet's slot, and the slot of a ring with so many. Where the
// service is affine its salt stands in for the ports.
[[nodiscard]] uint32_t flow_hash(const sluice_seed& seed, packets::Packet packet,
                                 std::optional<uint32_t> salt = {});
[[nodiscard]] size_t slot_of(uint32_t hash, size_t slots);

// The 5-tuple of a packet, as it is a key of the maps.
[[nodiscard]] sluice_flow flow_of(packets::Packet packet);
[[nodiscard]] sluice_flow reverse(const sluice_flow& flow);
[[nodiscard]] bool same_flow(const sluice_flow& a, const sluice_flow& b);

// What is put in front of a packet: one IP header or, with GUE's variant 0 or 1, UDP behind it too.
struct Outer {
  Outer(packets::Family outer_family,
        std::optional<uint8_t> variant = {})  // NOLINT: a family is one
      : family(outer_family), gue_variant(variant) {}
  [[nodiscard]] size_t bytes() const;

  packets::Family family;
  std::optional<uint8_t> gue_variant;
};

// `sent` in an outer header from the director to a backend, with one hop less to live and no tags,
// between the MACs of two hosts. `hash` is flow_hash(), of which an outer IPv6 header carries the
// top 20 bits and a UDP source port the top 14.
[[nodiscard]] packets::Packet encapsulated(const packets::Packet& sent, const Outer& outer,
                                           const packets::Host& backend, uint32_t hash,
                                           const packets::Host& mac_from,
                                           const packets::Host& mac_to);
// `sent` with one hop less to live and no tags, between the MACs of two hosts.
[[nodiscard]] packets::Packet forwarded(packets::Packet sent, const packets::Host& mac_from,
                                        const packets::Host& mac_to);

// One end of a translated packet.
struct End {
  packets::Host host;
  uint16_t port = 0;
};

// `sent` with both ends replaced, no tags, one hop less to live, and the checksums that follow.
[[nodiscard]] packets::Packet translated(packets::Packet sent, const End& from, const End& to,
                                         const packets::Host& mac_from,
                                         const packets::Host& mac_to);

// Two fragments of a packet without extension headers: the first has so many bytes behind the IP
// header, a multiple of 8.
[[nodiscard]] std::array<packets::Packet, 2> fragments_of(packets::Packet whole, size_t first_bytes,
                                                          uint32_t id);

[[nodiscard]] uint16_t source_port(packets::Packet packet);
[[nodiscard]] packets::Packet between(packets::Packet packet, const packets::Host& mac_from,
                                      const packets::Host& mac_to);
[[nodiscard]] packets::Packet without_tags(const packets::Packet& packet);
[[nodiscard]] packets::Packet with_ttl(packets::Packet packet, uint8_t ttl);
// As a network card delivers a short frame.
[[nodiscard]] packets::Frame padded(packets::Frame frame, size_t bytes);

}  // namespace sluice::stage
