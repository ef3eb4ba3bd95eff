// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Parses frames into the layers of packets.h. Truncated and unknown parts stay bytes.
#include <utility>

#include "packets.h"

namespace sluice::packets {
namespace {

class Cursor {
 public:
  explicit Cursor(const Bytes& bytes) : bytes_(bytes) {}

  [[nodiscard]] size_t left() const { return bytes_.size() - at_; }
  [[nodiscard]] uint8_t peek(size_t offset) const { return bytes_[at_ + offset]; }
  [[nodiscard]] Bytes rest() const { return take_from(at_, left()); }

  uint8_t get8() { return bytes_[at_++]; }
  uint16_t get16() {
    const uint8_t high = get8();
    return static_cast<uint16_t>(high << 8 | get8());
  }
  uint32_t get32() {
    const uint32_t high = get16();
    return high << 16 | get16();
  }
  Bytes get(size_t length) {
    Bytes out = take_from(at_, length);
    at_ += length;
    return out;
  }
  Mac mac() {
    Mac out{};
    for (uint8_t& byte : out) byte = get8();
    return out;
  }
  sluice_address v4() {
    sluice_address out{};
    out.bytes[10] = out.bytes[11] = 0xff;
    for (size_t i = 12; i < 16; i++) out.bytes[i] = get8();
    return out;
  }
  sluice_address v6() {
    sluice_address out{};
    for (uint8_t& byte : out.bytes) byte = get8();
    return out;
  }

 private:
  [[nodiscard]] Bytes take_from(size_t from, size_t length) const {
    const auto begin = bytes_.begin() + static_cast<ptrdiff_t>(from);
    return Bytes(begin, begin + static_cast<ptrdiff_t>(length));
  }

  const Bytes& bytes_;
  size_t at_ = 0;
};

// The kind of the next layer, from the one just parsed.
struct Next {
  enum class Kind { ethertype, l4_proto, nothing } kind = Kind::nothing;
  uint16_t value = 0;

  static Next ethertype(uint16_t value) { return {Kind::ethertype, value}; }
  static Next l4_proto(uint8_t value) { return {Kind::l4_proto, value}; }
};

Next parse_ipv4(Cursor& cursor, std::vector<Layer>& layers) {
  if (cursor.left() < 20) return {};
  const size_t header_length = static_cast<size_t>(cursor.peek(0) & 0x0f) * 4;
  if (header_length < 20 || cursor.left() < header_length) return {};
  Ipv4 ip;
  ip.version_ihl = cursor.get8();
  ip.tos = cursor.get8();
  ip.total_length = cursor.get16();
  ip.id = cursor.get16();
  ip.fragment = cursor.get16();
  ip.ttl = cursor.get8();
  ip.protocol = cursor.get8();
  ip.checksum = cursor.get16();
  ip.source = cursor.v4();
  ip.destination = cursor.v4();
  ip.options = cursor.get(header_length - 20);
  layers.emplace_back(ip);
  // A later fragment has no transport header.
  return (ip.fragment & 0x1fff) != 0 ? Next{} : Next::l4_proto(*ip.protocol);
}

Next parse_ipv6(Cursor& cursor, std::vector<Layer>& layers) {
  if (cursor.left() < 40) return {};
  Ipv6 ip;
  const uint32_t first = cursor.get32();
  ip.version = static_cast<uint8_t>(first >> 28);
  ip.traffic_class = static_cast<uint8_t>(first >> 20);
  ip.flow_label = first & 0xfffff;
  ip.payload_length = cursor.get16();
  ip.next_header = cursor.get8();
  ip.hop_limit = cursor.get8();
  ip.source = cursor.v6();
  ip.destination = cursor.v6();
  layers.emplace_back(ip);
  return Next::l4_proto(*ip.next_header);
}

Next parse_extension(Cursor& cursor, std::vector<Layer>& layers, uint8_t kind) {
  if (cursor.left() < 8) return {};
  const bool fragment = kind == ipv6_fragment;
  const size_t length = fragment ? 8 : (static_cast<size_t>(cursor.peek(1)) + 1) * 8;
  if (cursor.left() < length) return {};
  Ipv6Extension extension{.kind = kind};
  extension.next_header = cursor.get8();
  extension.length = cursor.get8();
  extension.body = cursor.get(length - 2);
  layers.emplace_back(extension);
  const bool later_fragment =
      fragment && (extension.body[0] != 0 || (extension.body[1] & 0xf8) != 0);
  return later_fragment ? Next{} : Next::l4_proto(*extension.next_header);
}

Next parse_tcp(Cursor& cursor, std::vector<Layer>& layers) {
  if (cursor.left() < 20) return {};
  const size_t header_length = static_cast<size_t>(cursor.peek(12) >> 4) * 4;
  if (header_length < 20 || cursor.left() < header_length) return {};
  Tcp tcp;
  tcp.source_port = cursor.get16();
  tcp.destination_port = cursor.get16();
  tcp.seq = cursor.get32();
  tcp.ack = cursor.get32();
  tcp.data_offset = static_cast<uint8_t>(cursor.get8() >> 4);
  tcp.flags = cursor.get8();
  tcp.window = cursor.get16();
  tcp.checksum = cursor.get16();
  tcp.urgent = cursor.get16();
  tcp.options = cursor.get(header_length - 20);
  layers.emplace_back(tcp);
  return {};
}

Next parse_udp(Cursor& cursor, std::vector<Layer>& layers) {
  if (cursor.left() < 8) return {};
  Udp udp;
  udp.source_port = cursor.get16();
  udp.destination_port = cursor.get16();
  udp.length = cursor.get16();
  udp.checksum = cursor.get16();
  layers.emplace_back(udp);
  return {};
}

Next parse_icmp(Cursor& cursor, std::vector<Layer>& layers) {
  if (cursor.left() < 8) return {};
  Icmp icmp;
  icmp.type = cursor.get8();
  icmp.code = cursor.get8();
  icmp.checksum = cursor.get16();
  icmp.rest = cursor.get32();
  layers.emplace_back(icmp);
  return {};
}

Next parse_by_ethertype(Cursor& cursor, std::vector<Layer>& layers, uint16_t ethertype) {
  if (ethertype == 0x0800) return parse_ipv4(cursor, layers);
  if (ethertype == 0x86dd) return parse_ipv6(cursor, layers);
  if ((ethertype == 0x8100 || ethertype == 0x88a8) && cursor.left() >= 4) {
    Vlan vlan{.tpid = ethertype};
    vlan.tci = cursor.get16();
    vlan.ethertype = cursor.get16();
    layers.emplace_back(vlan);
    return Next::ethertype(*vlan.ethertype);
  }
  return {};
}

Next parse_by_l4_proto(Cursor& cursor, std::vector<Layer>& layers, uint8_t l4_proto) {
  switch (l4_proto) {
    case ipv6_hop_by_hop:
    case ipv6_routing:
    case ipv6_fragment:
    case ipv6_destination:
      return parse_extension(cursor, layers, l4_proto);
    case 1:
    case 58:
      return parse_icmp(cursor, layers);
    case 4:
      return parse_ipv4(cursor, layers);
    case 6:
      return parse_tcp(cursor, layers);
    case 17:
      return parse_udp(cursor, layers);
    case 41:
      return parse_ipv6(cursor, layers);
    default:
      return {};
  }
}

// Calls `with` for each optional field of a layer and the same field of `other`.
template <typename With>
void for_each_filled_field(Layer& layer, Layer& other, With with) {
  const auto fields = [&]<typename Kind>(Kind& a, Kind& b) {
    const auto each = [&](auto... members) { (with(a.*members, b.*members), ...); };
    if constexpr (std::is_same_v<Kind, Ethernet> || std::is_same_v<Kind, Vlan>) {
      each(&Kind::ethertype);
    } else if constexpr (std::is_same_v<Kind, Ipv4>) {
      each(&Kind::protocol, &Kind::total_length, &Kind::checksum, &Kind::version_ihl);
    } else if constexpr (std::is_same_v<Kind, Ipv6>) {
      each(&Kind::next_header, &Kind::payload_length, &Kind::version);
    } else if constexpr (std::is_same_v<Kind, Ipv6Extension>) {
      each(&Kind::next_header, &Kind::length);
    } else if constexpr (std::is_same_v<Kind, Tcp>) {
      each(&Kind::checksum, &Kind::data_offset);
    } else if constexpr (std::is_same_v<Kind, Udp>) {
      each(&Kind::length, &Kind::checksum);
    } else if constexpr (std::is_same_v<Kind, Icmp>) {
      each(&Kind::checksum);
    }
  };
  std::visit([&]<typename Kind>(Kind& a) { fields(a, std::get<Kind>(other)); }, layer);
}

}  // namespace

std::vector<Layer> Packet::parse_layers(const Bytes& bytes, bool ethernet) {
  std::vector<Layer> layers;
  Cursor cursor(bytes);
  Next next;
  if (!ethernet && cursor.left() > 0) {
    next = Next::ethertype(cursor.peek(0) >> 4 == 6 ? 0x86dd : 0x0800);
  } else if (cursor.left() >= 14) {
    Ethernet header;
    header.destination = cursor.mac();
    header.source = cursor.mac();
    header.ethertype = cursor.get16();
    layers.emplace_back(header);
    next = Next::ethertype(*header.ethertype);
  }
  while (next.kind != Next::Kind::nothing) {
    next = next.kind == Next::Kind::ethertype
               ? parse_by_ethertype(cursor, layers, next.value)
               : parse_by_l4_proto(cursor, layers, static_cast<uint8_t>(next.value));
  }
  if (cursor.left() > 0) layers.emplace_back(cursor.rest());
  return layers;
}

Packet Packet::parse_from(const Bytes& bytes, bool ethernet) {
  Packet packet(parse_layers(bytes, ethernet));
  // Fields equal to those of the same packet with everything filled in are correct: they are reset.
  Packet bare = packet;
  for (size_t i = 0; i < bare.layers_.size(); i++) {
    for_each_filled_field(bare.layers_[i], packet.layers_[i],
                          [](auto& field, auto&) { field.reset(); });
  }
  Packet filled(parse_layers(bare.bytes(), ethernet));
  const auto kinds = [](const Packet& of) {
    std::vector<size_t> out;
    for (const Layer& layer : of.layers_) out.push_back(layer.index());
    return out;
  };
  if (kinds(packet) != kinds(filled)) return packet;
  for (size_t i = 0; i < packet.layers_.size(); i++) {
    for_each_filled_field(packet.layers_[i], filled.layers_[i], [](auto& field, auto& should_be) {
      if (field == should_be) field.reset();
    });
  }
  return packet;
}

Packet Packet::parse(const Frame& frame) {
  return parse_from(frame.bytes, true);
}
Packet Packet::parse_ip(const Bytes& datagram) {
  return parse_from(datagram, false);
}

}  // namespace sluice::packets
