// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Hosts, addresses and TCP options of test packets, and the methods that add layers.
#include "packets.h"

#include <arpa/inet.h>
#include <endian.h>

#include <algorithm>
#include <stdexcept>

#include "packet_bytes.h"

namespace sluice::packets {

std::string_view family_text(Family family) {
  return family == Family::v4 ? "v4" : "v6";
}

sluice_address address(std::string_view text) {
  sluice_address out{};
  const std::string terminated(text);
  if (inet_pton(AF_INET6, terminated.c_str(), out.bytes) == 1) return out;
  if (inet_pton(AF_INET, terminated.c_str(), out.bytes + 12) != 1) {
    throw std::invalid_argument("not an address: " + terminated);
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

}  // namespace sluice::packets
