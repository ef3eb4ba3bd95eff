// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whole packets for the program tests: build one layer by layer, parse one, compare two and print
// the difference. Lengths, next protocols and checksums are filled in unless a test sets them, so
// that a wrong one is always deliberate. packets.cpp has the hosts and the API, packets_build.cpp
// the bytes of each layer, packets_parse.cpp the parser, packets_describe.cpp the text.
//
//   Frame syn = Packet().ethernet(client, director).ip(Family::v4, client, service_one)
//                   .tcp({.source_port = 40000, .destination_port = 80, .flags = tcp_syn}).frame();
//   EXPECT_TRUE(same_packet(run(syn), expected));
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <compare>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sluice/address.h"

namespace sluice::packets {

using Bytes = std::vector<uint8_t>;
using Mac = std::array<uint8_t, 6>;

enum class Family { v4, v6 };
inline constexpr std::array<Family, 2> both_families{Family::v4, Family::v6};
std::string_view family_text(Family family);

sluice_address address(std::string_view text);
std::string address_text(const sluice_address& address);

// A named host of the tests: its MAC and its addresses.
struct Host {
  Host(std::string_view name, uint8_t number, std::string_view v4, std::string_view v6);

  [[nodiscard]] const sluice_address& at(Family family) const {
    return family == Family::v4 ? v4 : v6;
  }
  // An endpoint on this host, as a map key.
  [[nodiscard]] sluice_endpoint endpoint(Family family, uint16_t port, uint8_t l4_proto) const;

  std::string name;
  Mac mac;
  sluice_address v4;
  sluice_address v6;
};

inline const Host client{"client", 1, "198.51.100.10", "2001:db8:c::10"};
inline const Host client_two{"client_two", 2, "198.51.100.20", "2001:db8:c::20"};
inline const Host outsider{"outsider", 3, "192.0.2.66", "2001:db8:bad::66"};
inline const Host gateway{"gateway", 4, "203.0.113.254", "2001:db8:5::254"};
inline const Host director{"director", 5, "10.0.0.1", "2001:db8:b::1"};
inline const Host service_one{"service_one", 6, "203.0.113.10", "2001:db8:5::10"};
inline const Host service_two{"service_two", 7, "203.0.113.20", "2001:db8:5::20"};
inline const Host backend_one{"backend_one", 11, "10.0.0.11", "2001:db8:b::11"};
inline const Host backend_two{"backend_two", 12, "10.0.0.12", "2001:db8:b::12"};
inline const Host backend_three{"backend_three", 13, "10.0.0.13", "2001:db8:b::13"};

// The bytes on the wire, Ethernet header first.
struct Frame {
  Bytes bytes;

  [[nodiscard]] size_t size() const { return bytes.size(); }
  [[nodiscard]] Frame truncated(size_t length) const;
  friend bool operator==(const Frame&, const Frame&) = default;
};

// The layers. An empty optional field is filled in from the layers that follow.
struct Ethernet {
  Mac destination{};
  Mac source{};
  std::optional<uint16_t> ethertype{};
};

struct Vlan {
  uint16_t tci = 0;
  uint16_t tpid = 0x8100;  // 0x88a8 for the outer tag of QinQ
  std::optional<uint16_t> ethertype{};
};

inline constexpr uint16_t ipv4_dont_fragment = 0x4000;
inline constexpr uint16_t ipv4_more_fragments = 0x2000;

struct Ipv4 {
  sluice_address source{};
  sluice_address destination{};
  uint8_t ttl = 64;
  uint8_t tos = 0;
  uint16_t id = 0;
  uint16_t fragment = ipv4_dont_fragment;  // flags, and the offset in units of 8 bytes
  Bytes options{};                         // padded to 4 bytes
  std::optional<uint8_t> protocol{};
  std::optional<uint16_t> total_length{};
  std::optional<uint16_t> checksum{};
  std::optional<uint8_t> version_ihl{};
};

struct Ipv6 {
  sluice_address source{};
  sluice_address destination{};
  uint8_t hop_limit = 64;
  uint8_t traffic_class = 0;
  uint32_t flow_label = 0;
  std::optional<uint8_t> next_header{};
  std::optional<uint16_t> payload_length{};
  std::optional<uint8_t> version{};
};

inline constexpr uint8_t ipv6_hop_by_hop = 0;
inline constexpr uint8_t ipv6_routing = 43;
inline constexpr uint8_t ipv6_fragment = 44;
inline constexpr uint8_t ipv6_destination = 60;

struct Ipv6Extension {
  uint8_t kind = ipv6_destination;
  Bytes body{};  // behind next header and length; padded to units of 8 bytes
  std::optional<uint8_t> next_header{};
  std::optional<uint8_t> length{};
};

// A fragment header; offset in units of 8 bytes.
Ipv6Extension ipv6_fragment_header(uint16_t offset, bool more, uint32_t id);

inline constexpr uint8_t tcp_fin = 0x01;
inline constexpr uint8_t tcp_syn = 0x02;
inline constexpr uint8_t tcp_rst = 0x04;
inline constexpr uint8_t tcp_psh = 0x08;
inline constexpr uint8_t tcp_ack = 0x10;
inline constexpr uint8_t tcp_ece = 0x40;
inline constexpr uint8_t tcp_cwr = 0x80;

struct Tcp {
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint8_t flags = tcp_ack;
  uint16_t window = 65535;
  Bytes options{};  // tcp_options(), padded to 4 bytes
  uint16_t urgent = 0;
  std::optional<uint16_t> checksum{};
  std::optional<uint8_t> data_offset{};  // in words of 4 bytes
};

// Single TCP options, joined by tcp_options({option_mss(1460), option_window_scale(7)}).
Bytes option_nop();
Bytes option_mss(uint16_t mss_bytes);
Bytes option_window_scale(uint8_t scale);
Bytes option_sack_permitted();
Bytes option_timestamps(uint32_t value, uint32_t echo);
Bytes option_md5();  // RFC 2385
Bytes option_ao();   // RFC 5925
Bytes tcp_options(std::initializer_list<Bytes> options);

struct Udp {
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  std::optional<uint16_t> length{};
  std::optional<uint16_t> checksum{};  // 0: none
};

// ICMP or ICMPv6, depending on the IP header before it.
struct Icmp {
  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t rest = 0;  // identifier and sequence, MTU, pointer: the header's second word
  std::optional<uint16_t> checksum{};
};

using Layer = std::variant<Ethernet, Vlan, Ipv4, Ipv6, Ipv6Extension, Tcp, Udp, Icmp, Bytes>;

class Packet {
 public:
  Packet() = default;

  // Parses a frame; frame() of the result has the same bytes. An optional field is set only if it
  // differs from the value that would be filled in, so after a change the other fields follow.
  static Packet parse(const Frame& frame);
  static Packet parse_ip(const Bytes& datagram);  // begins with the IP header

  Packet& ethernet(const Host& from, const Host& to);
  Packet& vlan(uint16_t id, uint16_t tpid = 0x8100);
  Packet& ip(Family family, const Host& from, const Host& to);
  Packet& add(Layer layer);
  Packet& tcp(Tcp tcp) { return add(std::move(tcp)); }
  Packet& udp(Udp udp) { return add(udp); }
  Packet& icmp(Icmp icmp) { return add(icmp); }
  Packet& payload(std::string_view text) { return add(Bytes(text.begin(), text.end())); }
  // Behind an ICMP error: `length` bytes of the packet that caused it, from its IP header on.
  Packet& quote(const Packet& packet, size_t length);

  [[nodiscard]] Frame frame() const { return Frame{bytes()}; }
  [[nodiscard]] Bytes bytes() const;
  [[nodiscard]] size_t size() const { return bytes().size(); }
  // From the first IP header on.
  [[nodiscard]] Bytes datagram() const;

  [[nodiscard]] const std::vector<Layer>& layers() const { return layers_; }

  // The layer of a kind after `skip` others of that kind; nullptr if there is none.
  template <typename Kind>
  [[nodiscard]] Kind* find(size_t skip = 0) {
    for (Layer& layer : layers_) {
      if (auto* found = std::get_if<Kind>(&layer); found != nullptr && skip-- == 0) return found;
    }
    return nullptr;
  }

 private:
  explicit Packet(std::vector<Layer> layers) : layers_(std::move(layers)) {}

  static std::vector<Layer> parse_layers(const Bytes& bytes, bool ethernet);
  static Packet parse_from(const Bytes& bytes, bool ethernet);

  std::vector<Layer> layers_;
};

// One line per layer, with host names; wrong lengths and checksums are marked.
[[nodiscard]] std::string describe(const Frame& frame);
[[nodiscard]] std::string describe(const Packet& packet);

// Succeeds if the bytes are equal; the failure describes both and the first difference.
[[nodiscard]] testing::AssertionResult same_packet(const Frame& got, const Frame& expected);

void PrintTo(const Frame& frame, std::ostream* out);
void PrintTo(const Packet& packet, std::ostream* out);
void PrintTo(Family family, std::ostream* out);

}  // namespace sluice::packets
