#include "expectations.h"

#include <endian.h>

#include <cstring>
#include <stdexcept>

// Kernel-side code: it is written for a compiler that does not warn of narrowing.
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

constexpr uint8_t proto_tcp = 6;
constexpr uint8_t proto_udp = 17;

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
    throw std::invalid_argument("a packet without ports");
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

uint32_t flow_hash(const sluice_seed& seed, Packet packet) {
  const sluice_flow flow = flow_of(packet);
  uint32_t ports = 0;  // as both lie in the packet
  memcpy(&ports, &flow.source_port, sizeof(ports));
  uint32_t words[4];
  memcpy(words, flow.source.bytes, sizeof(words));
  return packet.find<Ipv4>() != nullptr ? flow_hash_v4(seed.words, words[3], ports)
                                        : flow_hash_v6(seed.words, words, ports);
}

size_t slot_of(uint32_t hash, size_t slots) {
  return static_cast<size_t>(uint64_t{hash} * slots >> 32);
}

Packet encapsulated(const Packet& sent, Family outer, const Host& backend, uint32_t hash,
                    const Host& mac_from, const Host& mac_to) {
  Packet inner = sent;
  spend_ttl(inner);
  Packet out = Packet().ethernet(mac_from, mac_to).ip(outer, packets::director, backend);
  if (auto* v6 = out.find<Ipv6>()) v6->flow_label = hash >> 12;
  for (const Layer& layer : inner.layers()) {
    if (!std::holds_alternative<Ethernet>(layer)) out.add(layer);
  }
  return out;
}

Packet translated(Packet sent, const End& from, const End& to, const Host& mac_from,
                  const Host& mac_to) {
  spend_ttl(sent);
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
  return between(std::move(sent), mac_from, mac_to);
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
