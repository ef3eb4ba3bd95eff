// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "expectations.h"

#include <endian.h>

#include <cstring>
#include <stdexcept>

// Kernel-side code, written for a compiler that does not warn about narrowing.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include "pure/hash.h"
#pragma GCC diagnostic pop

namespace sluice::stage {

using packets::Ethernet;
using packets::Family;
using packets::Frame;
using packets::Host;
using packets::Ipv4;
using packets::Ipv6;
using packets::Layer;
using packets::Packet;
using packets::Tcp;
using packets::Udp;

namespace {

constexpr uint8_t proto_ipip = 4;
constexpr uint8_t proto_tcp = 6;
constexpr uint8_t proto_udp = 17;
constexpr uint8_t proto_ipv6 = 41;

void spend_ttl(Packet& packet) {
  if (auto* v4 = packet.find<Ipv4>()) {
    v4->ttl--;
  } else if (auto* v6 = packet.find<Ipv6>()) {
    v6->hop_limit--;
  }
}

template <typename Change>
void change_ports(Packet& packet, Change change) {
  if (auto* tcp = packet.find<Tcp>()) {
    change(tcp->source_port, tcp->destination_port);
  } else if (auto* udp = packet.find<Udp>()) {
    change(udp->source_port, udp->destination_port);
  } else {
    throw std::invalid_argument("the packet has no ports");
  }
}

}  // namespace

sluice_flow flow_of(Packet packet) {
  sluice_flow flow{};
  if (const auto* v4 = packet.find<Ipv4>()) {
    flow.source = v4->source;
    flow.destination = v4->destination;
  } else if (const auto* v6 = packet.find<Ipv6>()) {
    flow.source = v6->source;
    flow.destination = v6->destination;
  }
  change_ports(packet, [&](uint16_t& from, uint16_t& to) {
    flow.source_port = htobe16(from);
    flow.destination_port = htobe16(to);
  });
  flow.l4_proto = packet.find<Tcp>() != nullptr ? proto_tcp : proto_udp;
  return flow;
}

sluice_flow reverse(const sluice_flow& flow) {
  sluice_flow out = flow;
  out.source = flow.destination;
  out.destination = flow.source;
  out.source_port = flow.destination_port;
  out.destination_port = flow.source_port;
  return out;
}

bool same_flow(const sluice_flow& a, const sluice_flow& b) {
  return memcmp(&a, &b, sizeof(a)) == 0;
}

uint32_t flow_hash(const sluice_seed& seed, Packet packet, std::optional<uint32_t> salt) {
  const sluice_flow flow = flow_of(packet);
  const uint16_t as_they_lie[2] = {flow.source_port, flow.destination_port};
  uint32_t ports = 0;
  memcpy(&ports, as_they_lie, sizeof(ports));
  uint32_t words[4];
  memcpy(words, flow.source.bytes, sizeof(words));
  return packet.find<Ipv4>() != nullptr ? flow_hash_v4(seed.words, words[3], salt.value_or(ports))
                                        : flow_hash_v6(seed.words, words, salt.value_or(ports));
}

size_t slot_of(uint32_t hash, size_t slots) {
  return static_cast<size_t>(uint64_t{hash} * slots >> 32);
}

size_t Outer::bytes() const {
  const size_t ip_bytes = family == Family::v4 ? 20 : 40;
  return gue_variant ? ip_bytes + 8 + (*gue_variant == 0 ? 4 : 0) : ip_bytes;
}

Packet encapsulated(const Packet& sent, const Outer& outer, const Host& backend, uint32_t hash,
                    const Host& mac_from, const Host& mac_to) {
  Packet inner = without_tags(sent);
  spend_ttl(inner);
  Packet out = Packet().ethernet(mac_from, mac_to).ip(outer.family, packets::director, backend);
  if (auto* v6 = out.find<Ipv6>()) v6->flow_label = hash >> 12;
  if (outer.gue_variant) {
    out.udp({.source_port = static_cast<uint16_t>(0xc000 | hash >> 18),
             .destination_port = 6080,
             .checksum = 0});
  }
  if (outer.gue_variant == 0) {
    const uint8_t inner_proto = inner.find<Ipv4>() != nullptr ? proto_ipip : proto_ipv6;
    out.add(packets::Bytes{0, inner_proto, 0, 0});
  }
  for (const Layer& layer : inner.layers()) {
    if (!std::holds_alternative<Ethernet>(layer)) out.add(layer);
  }
  return out;
}

Packet forwarded(Packet sent, const Host& mac_from, const Host& mac_to) {
  spend_ttl(sent);
  return between(without_tags(sent), mac_from, mac_to);
}

Packet translated(Packet sent, const End& from, const End& to, const Host& mac_from,
                  const Host& mac_to) {
  if (auto* v4 = sent.find<Ipv4>()) {
    v4->source = from.host.v4;
    v4->destination = to.host.v4;
  } else if (auto* v6 = sent.find<Ipv6>()) {
    v6->source = from.host.v6;
    v6->destination = to.host.v6;
  }
  change_ports(sent, [&](uint16_t& source, uint16_t& destination) {
    source = from.port;
    destination = to.port;
  });
  return forwarded(std::move(sent), mac_from, mac_to);
}

std::array<Packet, 2> fragments_of(Packet whole, size_t first_bytes, uint32_t id) {
  const bool is_v4 = whole.find<Ipv4>() != nullptr;
  const packets::Bytes datagram = whole.datagram();
  const auto l4 = datagram.begin() + (is_v4 ? 20 : 40);
  const auto cut = l4 + static_cast<std::ptrdiff_t>(first_bytes);
  const uint8_t l4_proto = whole.find<Tcp>() != nullptr ? proto_tcp : proto_udp;
  std::array<Packet, 2> out;
  for (const bool is_first : {true, false}) {
    const auto offset = static_cast<uint16_t>(is_first ? 0 : first_bytes / 8);
    Packet& packet = out.at(is_first ? 0 : 1);
    packet.add(*whole.find<Ethernet>());
    if (is_v4) {
      Ipv4 header = *whole.find<Ipv4>();
      header.id = static_cast<uint16_t>(id);
      header.fragment = offset | (is_first ? packets::ipv4_more_fragments : uint16_t{0});
      header.protocol = l4_proto;
      packet.add(header);
    } else {
      packet.add(*whole.find<Ipv6>());
      packets::Ipv6Extension header = packets::ipv6_fragment_header(offset, is_first, id);
      header.next_header = l4_proto;
      packet.add(header);
    }
    packet.add(is_first ? packets::Bytes(l4, cut) : packets::Bytes(cut, datagram.end()));
  }
  return out;
}

uint16_t source_port(Packet packet) {
  uint16_t port = 0;
  change_ports(packet, [&](uint16_t& source, uint16_t&) { port = source; });
  return port;
}

Packet between(Packet packet, const Host& mac_from, const Host& mac_to) {
  auto* ethernet = packet.find<Ethernet>();
  ethernet->source = mac_from.mac;
  ethernet->destination = mac_to.mac;
  return packet;
}

Packet without_tags(const Packet& packet) {
  Packet out;
  for (const Layer& layer : packet.layers()) {
    if (!std::holds_alternative<packets::Vlan>(layer)) out.add(layer);
  }
  return out;
}

Packet with_ttl(Packet packet, uint8_t ttl) {
  if (auto* v4 = packet.find<Ipv4>()) {
    v4->ttl = ttl;
  } else if (auto* v6 = packet.find<Ipv6>()) {
    v6->hop_limit = ttl;
  }
  return packet;
}

Frame padded(Frame frame, size_t bytes) {
  frame.bytes.resize(std::max(frame.size(), bytes));
  return frame;
}

}  // namespace sluice::stage
