// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Builds packets: the cast, the layers' bytes, and what is filled in (lengths, next protocols,
// checksums), from the innermost layer outwards.
#include "packets.h"

#include <arpa/inet.h>
#include <endian.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>

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

void put8(Bytes& out, uint32_t value) {
  out.push_back(static_cast<uint8_t>(value));
}
void put16(Bytes& out, uint32_t value) {
  put8(out, value >> 8);
  put8(out, value);
}
void put32(Bytes& out, uint32_t value) {
  put16(out, value >> 16);
  put16(out, value);
}
void put(Bytes& out, const Bytes& bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}
void put_v4(Bytes& out, const sluice_address& address) {
  out.insert(out.end(), address.bytes + 12, address.bytes + 16);
}
void put_v6(Bytes& out, const sluice_address& address) {
  out.insert(out.end(), address.bytes, address.bytes + 16);
}
void pad(Bytes& out, size_t unit) {
  out.resize((out.size() + unit - 1) / unit * unit);
}
void set16(Bytes& out, size_t offset, uint16_t value) {
  out[offset] = static_cast<uint8_t>(value >> 8);
  out[offset + 1] = static_cast<uint8_t>(value);
}

// In host order, as a reader of the packet would write it down.
uint16_t internet_checksum(const Bytes& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i++)
    sum += static_cast<uint32_t>(bytes[i]) << (8 * (~i & 1));
  return static_cast<uint16_t>(~checksum_fold(sum));
}

// The IP header that a transport checksum covers: the nearest one outwards.
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

// By what number the layer before names layer `index`.
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

// Puts one layer before what follows it.
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

std::string_view family_text(Family family) {
  return family == Family::v4 ? "v4" : "v6";
}

sluice_address address(std::string_view text) {
  sluice_address out{};
  const std::string terminated(text);
  if (inet_pton(AF_INET6, terminated.c_str(), out.bytes) == 1) return out;
  if (inet_pton(AF_INET, terminated.c_str(), out.bytes + 12) != 1) {
    throw std::invalid_argument("no address: " + terminated);
  }
  out.bytes[10] = out.bytes[11] = 0xff;
  return out;
}

std::string address_text(const sluice_address& address) {
  static constexpr std::array<uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (std::equal(mapped.begin(), mapped.end(), address.bytes)) {
    inet_ntop(AF_INET, address.bytes + 12, text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, address.bytes, text.data(), text.size());
  }
  return text.data();
}

Host::Host(std::string_view host_name, uint8_t number, std::string_view v4_text,
           std::string_view v6_text)
    : name(host_name), mac{0x02, 0, 0, 0, 0, number}, v4(address(v4_text)), v6(address(v6_text)) {}

sluice_endpoint Host::endpoint(Family family, uint16_t port, uint8_t l4_proto) const {
  sluice_endpoint out{};
  out.address = at(family);
  out.port = htobe16(port);
  out.l4_proto = l4_proto;
  return out;
}

Frame Frame::truncated(size_t length) const {
  Frame out = *this;
  out.bytes.resize(std::min(length, out.bytes.size()));
  return out;
}

Ipv6Extension ipv6_fragment_header(uint16_t offset, bool more, uint32_t id) {
  Bytes body;
  put16(body, static_cast<uint32_t>(offset) << 3 | (more ? 1 : 0));
  put32(body, id);
  return {.kind = ipv6_fragment, .body = body};
}

Bytes option_nop() {
  return {1};
}

Bytes option_mss(uint16_t mss_bytes) {
  Bytes out{2, 4};
  put16(out, mss_bytes);
  return out;
}

Bytes option_window_scale(uint8_t scale) {
  return {3, 3, scale};
}
Bytes option_sack_permitted() {
  return {4, 2};
}

Bytes option_timestamps(uint32_t value, uint32_t echo) {
  Bytes out{8, 10};
  put32(out, value);
  put32(out, echo);
  return out;
}

Bytes option_md5() {
  Bytes out{19, 18};
  out.resize(18, 0xd5);
  return out;
}

Bytes option_ao() {
  Bytes out{29, 16, 1, 1};
  out.resize(16, 0xa0);
  return out;
}

Bytes tcp_options(std::initializer_list<Bytes> options) {
  Bytes out;
  for (const Bytes& option : options) put(out, option);
  pad(out, 4);
  return out;
}

Packet& Packet::ethernet(const Host& from, const Host& to) {
  return add(Ethernet{.destination = to.mac, .source = from.mac});
}

Packet& Packet::vlan(uint16_t id, uint16_t tpid) {
  return add(Vlan{.tci = id, .tpid = tpid});
}

Packet& Packet::ip(Family family, const Host& from, const Host& to) {
  if (family == Family::v4) return add(Ipv4{.source = from.v4, .destination = to.v4});
  return add(Ipv6{.source = from.v6, .destination = to.v6});
}

Packet& Packet::add(Layer layer) {
  layers_.push_back(std::move(layer));
  return *this;
}

Packet& Packet::quote(const Packet& packet, size_t length) {
  Bytes quoted = packet.datagram();
  quoted.resize(std::min(length, quoted.size()));
  return add(std::move(quoted));
}

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
