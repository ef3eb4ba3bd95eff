// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The bytes of a packet, from the innermost layer outwards, with lengths, next protocols and
// checksums filled in.
#include <algorithm>

#include "packet_bytes.h"
#include "packets.h"
#include "pure/checksum.h"

namespace sluice::packets {
namespace {

constexpr uint8_t proto_icmp = 1;
constexpr uint8_t proto_ipip = 4;
constexpr uint8_t proto_tcp = 6;
constexpr uint8_t proto_udp = 17;
constexpr uint8_t proto_ipv6 = 41;
constexpr uint8_t proto_icmpv6 = 58;
constexpr uint8_t proto_none = 59;

void put_v4(Bytes& out, const sluice_address& address) {
  out.insert(out.end(), address.bytes + 12, address.bytes + 16);
}
void put_v6(Bytes& out, const sluice_address& address) {
  out.insert(out.end(), address.bytes, address.bytes + 16);
}
void set16(Bytes& out, size_t offset, uint16_t value) {
  out[offset] = static_cast<uint8_t>(value >> 8);
  out[offset + 1] = static_cast<uint8_t>(value);
}

// In host order.
uint16_t internet_checksum(const Bytes& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i++)
    sum += static_cast<uint32_t>(bytes[i]) << (8 * (~i & 1));
  return static_cast<uint16_t>(~checksum_fold(sum));
}

// The pseudo header of a transport checksum, from the nearest IP header outwards.
Bytes pseudo_header(const std::vector<Layer>& layers, size_t below, uint8_t protocol,
                    size_t length) {
  Bytes out;
  for (size_t i = below; i-- > 0;) {
    if (const auto* v4 = std::get_if<Ipv4>(&layers[i])) {
      if (protocol == proto_icmp) return {};
      put_v4(out, v4->source);
      put_v4(out, v4->destination);
      put16(out, protocol);
      put16(out, static_cast<uint32_t>(length));
      return out;
    }
    if (const auto* v6 = std::get_if<Ipv6>(&layers[i])) {
      put_v6(out, v6->source);
      put_v6(out, v6->destination);
      put32(out, static_cast<uint32_t>(length));
      put32(out, protocol == proto_icmp ? proto_icmpv6 : protocol);
      return out;
    }
  }
  return out;
}

uint16_t transport_checksum(const std::vector<Layer>& layers, size_t below, uint8_t protocol,
                            const Bytes& segment) {
  Bytes covered = pseudo_header(layers, below, protocol, segment.size());
  put(covered, segment);
  return internet_checksum(covered);
}

// The protocol number of layer `index` in the header before it.
uint8_t protocol_of(const std::vector<Layer>& layers, size_t index) {
  if (index >= layers.size()) return proto_none;
  const Layer& layer = layers[index];
  if (std::holds_alternative<Ipv4>(layer)) return proto_ipip;
  if (std::holds_alternative<Ipv6>(layer)) return proto_ipv6;
  if (std::holds_alternative<Tcp>(layer)) return proto_tcp;
  if (std::holds_alternative<Udp>(layer)) return proto_udp;
  if (const auto* extension = std::get_if<Ipv6Extension>(&layer)) return extension->kind;
  if (std::holds_alternative<Icmp>(layer)) {
    for (size_t i = index; i-- > 0;) {
      if (std::holds_alternative<Ipv4>(layers[i])) return proto_icmp;
      if (std::holds_alternative<Ipv6>(layers[i])) return proto_icmpv6;
    }
  }
  return proto_none;
}

uint16_t ethertype_of(const std::vector<Layer>& layers, size_t index) {
  if (index >= layers.size()) return 0;
  if (const auto* vlan = std::get_if<Vlan>(&layers[index])) return vlan->tpid;
  if (std::holds_alternative<Ipv4>(layers[index])) return 0x0800;
  if (std::holds_alternative<Ipv6>(layers[index])) return 0x86dd;
  return 0;
}

// The bytes of one layer followed by `inner`, the bytes of all layers after it.
struct Builder {
  const std::vector<Layer>& layers;
  size_t index;
  const Bytes& inner;

  Bytes operator()(const Ethernet& ethernet) const {
    Bytes out(ethernet.destination.begin(), ethernet.destination.end());
    out.insert(out.end(), ethernet.source.begin(), ethernet.source.end());
    put16(out, ethernet.ethertype.value_or(ethertype_of(layers, index + 1)));
    put(out, inner);
    return out;
  }

  Bytes operator()(const Vlan& vlan) const {
    Bytes out;
    put16(out, vlan.tci);
    put16(out, vlan.ethertype.value_or(ethertype_of(layers, index + 1)));
    put(out, inner);
    return out;
  }

  Bytes operator()(const Ipv4& ip) const {
    Bytes options = ip.options;
    pad(options, 4);
    const size_t header_length = 20 + options.size();
    Bytes out;
    put8(out, ip.version_ihl.value_or(static_cast<uint8_t>(0x40 | header_length / 4)));
    put8(out, ip.tos);
    put16(out, ip.total_length.value_or(static_cast<uint16_t>(header_length + inner.size())));
    put16(out, ip.id);
    put16(out, ip.fragment);
    put8(out, ip.ttl);
    put8(out, ip.protocol.value_or(protocol_of(layers, index + 1)));
    put16(out, 0);
    put_v4(out, ip.source);
    put_v4(out, ip.destination);
    put(out, options);
    set16(out, 10, ip.checksum.value_or(internet_checksum(out)));
    put(out, inner);
    return out;
  }

  Bytes operator()(const Ipv6& ip) const {
    Bytes out;
    put32(out, static_cast<uint32_t>(ip.version.value_or(6)) << 28 |
                   static_cast<uint32_t>(ip.traffic_class) << 20 | ip.flow_label);
    put16(out, ip.payload_length.value_or(static_cast<uint16_t>(inner.size())));
    put8(out, ip.next_header.value_or(protocol_of(layers, index + 1)));
    put8(out, ip.hop_limit);
    put_v6(out, ip.source);
    put_v6(out, ip.destination);
    put(out, inner);
    return out;
  }

  Bytes operator()(const Ipv6Extension& extension) const {
    Bytes out;
    put8(out, extension.next_header.value_or(protocol_of(layers, index + 1)));
    put8(out, 0);
    put(out, extension.body);
    pad(out, 8);
    // A fragment header has a reserved byte there and is always 8 bytes long.
    const bool fragment = extension.kind == ipv6_fragment;
    out[1] =
        extension.length.value_or(fragment ? uint8_t{0} : static_cast<uint8_t>(out.size() / 8 - 1));
    put(out, inner);
    return out;
  }

  Bytes operator()(const Tcp& tcp) const {
    Bytes options = tcp.options;
    pad(options, 4);
    Bytes out;
    put16(out, tcp.source_port);
    put16(out, tcp.destination_port);
    put32(out, tcp.seq);
    put32(out, tcp.ack);
    put8(out, tcp.data_offset.value_or(static_cast<uint8_t>(5 + options.size() / 4)) << 4);
    put8(out, tcp.flags);
    put16(out, tcp.window);
    put16(out, 0);
    put16(out, tcp.urgent);
    put(out, options);
    put(out, inner);
    set16(out, 16, tcp.checksum.value_or(transport_checksum(layers, index, proto_tcp, out)));
    return out;
  }

  Bytes operator()(const Udp& udp) const {
    Bytes out;
    put16(out, udp.source_port);
    put16(out, udp.destination_port);
    put16(out, udp.length.value_or(static_cast<uint16_t>(8 + inner.size())));
    put16(out, 0);
    put(out, inner);
    const uint16_t sum = checksum_udp(transport_checksum(layers, index, proto_udp, out));
    set16(out, 6, udp.checksum.value_or(sum));
    return out;
  }

  Bytes operator()(const Icmp& icmp) const {
    Bytes out;
    put8(out, icmp.type);
    put8(out, icmp.code);
    put16(out, 0);
    put32(out, icmp.rest);
    put(out, inner);
    set16(out, 2, icmp.checksum.value_or(transport_checksum(layers, index, proto_icmp, out)));
    return out;
  }

  Bytes operator()(const Bytes& payload) const {
    Bytes out = payload;
    put(out, inner);
    return out;
  }
};

}  // namespace

Bytes Packet::bytes() const {
  Bytes out;
  for (size_t i = layers_.size(); i-- > 0;) out = std::visit(Builder{layers_, i, out}, layers_[i]);
  return out;
}

Bytes Packet::datagram() const {
  const auto first = std::find_if(layers_.begin(), layers_.end(), [](const Layer& layer) {
    return std::holds_alternative<Ipv4>(layer) || std::holds_alternative<Ipv6>(layer);
  });
  return Packet(std::vector<Layer>(first, layers_.end())).bytes();
}

}  // namespace sluice::packets
