// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "model/decimal.h"

namespace sluice {

namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr size_t kV4Offset = kMappedPrefix.size();
constexpr uint8_t kBits = 128;
constexpr uint8_t kV4Bits = 32;

bool has_mapped_prefix(const sluice_address& raw) {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), raw.bytes);
}

// The whole bytes of the 16, and the bits of the next one, that a prefix of `bits` covers.
struct Split {
  size_t bytes;
  uint8_t mask;
};

Split split_at(uint8_t bits) {
  return {bits / size_t{8}, static_cast<uint8_t>(0xff00 >> (bits % 8))};
}

bool same_up_to(const Address& a, const Address& b, uint8_t bits) {
  const auto [bytes, mask] = split_at(bits);
  const uint8_t* left = a.raw().bytes;
  const uint8_t* right = b.raw().bytes;
  if (!std::equal(left, left + bytes, right)) return false;
  return bytes == sizeof(sluice_address::bytes) || ((left[bytes] ^ right[bytes]) & mask) == 0;
}

Address cut_off(const Address& address, uint8_t bits) {
  sluice_address raw{};
  const auto [bytes, mask] = split_at(bits);
  std::copy_n(address.raw().bytes, bytes, raw.bytes);
  if (bytes < sizeof(raw.bytes)) raw.bytes[bytes] = address.raw().bytes[bytes] & mask;
  return Address(raw);
}

// The text before and after the colon, and the words for errors.
struct HostAndPort {
  std::string_view what;    // "endpoint" or "backend"
  std::string_view whole;   // the text as given
  std::string_view suffix;  // the expected text after the port: "/tcp"
  std::string_view host{};
  std::string_view port{};
  bool bracketed = false;
};

// "HOST:PORT", with brackets around IPv6.
Result<HostAndPort> split_host_port(std::string_view text, HostAndPort parts) {
  const auto& [what, whole, suffix, host, port, bracketed] = parts;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos)
      return misused("{} {:?}: \"[\" without \"]\"", what, whole);
    parts.host = text.substr(1, close - 1);
    parts.port = text.substr(close + 1);
    parts.bracketed = true;
  } else {
    const size_t colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) {
      return misused("{} {:?}: an IPv6 address is written in brackets, as in [2001:db8::10]:443{}",
                     what, whole, suffix);
    }
    parts.host = text.substr(0, colon);
    if (colon != std::string_view::npos) parts.port = text.substr(colon);
  }
  if (port.empty()) {
    const std::string_view written = text.empty() ? "ADDRESS" : text;
    return misused("{} {:?}: names no port; write {}:PORT{}", what, whole, written, suffix);
  }
  if (port.front() == '/') {
    return misused(
        "{} {:?}: a prefix's length is written in the brackets, as in [2001:db8::/64]:443{}", what,
        whole, suffix);
  }
  if (port.front() != ':') {
    return misused("{} {:?}: \":PORT\" should follow \"]\"", what, whole);
  }
  parts.port.remove_prefix(1);
  return parts;
}

Result<uint16_t> parse_port(const HostAndPort& parts, bool v4) {
  if (parts.bracketed == v4) {
    return misused("{} {:?}: brackets are for IPv6; write {}:PORT{}", parts.what, parts.whole,
                   parts.host, parts.suffix);
  }
  const auto number = parse_decimal(parts.port, UINT16_MAX);
  if (!number) {
    return misused("{} {:?}: port {:?} is not a whole number from 1 to 65535, nor 0 for any",
                   parts.what, parts.whole, parts.port);
  }
  return static_cast<uint16_t>(*number);
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  auto refuse = [text](std::string_view why) { return misused("address {:?}: {}", text, why); };
  if (text.starts_with('[')) return refuse("brackets belong around an address with a port only");
  if (text.find('%') != std::string_view::npos) {
    return refuse("a zone (%) holds on one host only; use an address that is routed");
  }
  if (text.find('/') != std::string_view::npos) {
    return refuse("a prefix (/), where one address is wanted");
  }
  std::string terminated(text);
  sluice_address raw{};
  bool whole = text.find('\0') == std::string_view::npos;
  if (whole && inet_pton(AF_INET, terminated.c_str(), raw.bytes + kV4Offset) == 1) {
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), raw.bytes);
    return Address(raw);
  }
  if (!whole || inet_pton(AF_INET6, terminated.c_str(), raw.bytes) != 1) {
    return refuse("not an IPv4 or IPv6 address");
  }
  if (has_mapped_prefix(raw)) {
    return refuse(
        fmt::format("another spelling of an IPv4 address; write {}", Address(raw).text()));
  }
  return Address(raw);
}

std::string Address::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const void* bytes = is_v4() ? raw_.bytes + kV4Offset : raw_.bytes;
  const char* text = inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes, buffer.data(), buffer.size());
  return text != nullptr ? text : "";
}

bool Address::is_v4() const {
  return has_mapped_prefix(raw_);
}

bool Address::is_unspecified() const {
  const uint8_t* from = is_v4() ? raw_.bytes + kV4Offset : raw_.bytes;
  return std::all_of(from, raw_.bytes + sizeof(raw_.bytes), [](uint8_t byte) { return byte == 0; });
}

bool Address::is_multicast() const {
  if (is_v4()) return (raw_.bytes[kV4Offset] & 0xf0) == 0xe0;  // 224.0.0.0/4, RFC 5771
  return raw_.bytes[0] == 0xff;                                // ff00::/8, RFC 4291, 2.7
}

bool operator==(const Address& a, const Address& b) {
  return std::memcmp(a.raw_.bytes, b.raw_.bytes, sizeof(a.raw_.bytes)) == 0;
}

bool operator<(const Address& a, const Address& b) {
  return std::memcmp(a.raw_.bytes, b.raw_.bytes, sizeof(a.raw_.bytes)) < 0;
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const size_t slash = text.find('/');
  auto address = Address::parse(text.substr(0, slash));
  if (!address) return misused("prefix {:?}: {}", text, address.error().text);
  if (slash == std::string_view::npos) return Prefix{*address, kBits};
  const uint8_t family_bits = address->is_v4() ? kV4Bits : kBits;
  const auto length = parse_decimal(text.substr(slash + 1), family_bits);
  if (!length) {
    return misused("prefix {:?}: length {:?} is not a whole number from 0 to {}", text,
                   text.substr(slash + 1), family_bits);
  }
  const auto bits = static_cast<uint8_t>(kBits - family_bits + *length);
  const Prefix prefix{cut_off(*address, bits), bits};
  if (!(prefix.address == *address)) {
    return misused("prefix {:?}: has bits set after the first {}; write {}", text, *length,
                   prefix.text());
  }
  return prefix;
}

std::string Prefix::text() const {
  if (bits == kBits) return address.text();
  return fmt::format("{}/{}", address.text(), address.is_v4() ? bits - (kBits - kV4Bits) : bits);
}

bool Prefix::contains(const Address& one) const {
  return address.is_v4() == one.is_v4() && same_up_to(address, one, bits);
}

bool Prefix::overlaps(const Prefix& other) const {
  return bits <= other.bits ? contains(other.address) : other.contains(address);
}

bool operator<(const Prefix& a, const Prefix& b) {
  return a.address == b.address ? a.bits < b.bits : a.address < b.address;
}

std::string_view l4_proto_text(L4Proto l4_proto) {
  switch (l4_proto) {
    case L4Proto::any:
      return "any";
    case L4Proto::icmp:
      return "icmp";
    case L4Proto::icmpv6:
      return "icmpv6";
    case L4Proto::tcp:
      return "tcp";
    case L4Proto::udp:
      return "udp";
  }
  return "unknown";
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const size_t slash = text.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? "" : text.substr(slash + 1);
  // What follows the last slash may be a prefix's length and the port.
  if (slash == std::string_view::npos || name.find(':') != std::string_view::npos) {
    return misused("endpoint {:?}: names no protocol; add /tcp or /udp", text);
  }
  if (name != "tcp" && name != "udp") {
    return misused("endpoint {:?}: protocol {:?} is not tcp or udp", text, name);
  }
  const auto parts =
      TRY(split_host_port(text.substr(0, slash), {"endpoint", text, text.substr(slash)}));
  Prefix prefix;
  if (parts.host.find('/') == std::string_view::npos) {
    const auto address = Address::parse(parts.host);
    if (!address) return misused("endpoint {:?}: {}", text, address.error().text);
    prefix.address = *address;
  } else {
    const auto parsed = Prefix::parse(parts.host);
    if (!parsed) return misused("endpoint {:?}: {}", text, parsed.error().text);
    prefix = *parsed;
  }
  const auto port = TRY(parse_port(parts, prefix.address.is_v4()));
  return Endpoint{prefix.address, port, name == "tcp" ? L4Proto::tcp : L4Proto::udp, prefix.bits};
}

Endpoint Endpoint::from_raw(const sluice_endpoint& raw) {
  return {Address(raw.address), ntohs(raw.port), static_cast<L4Proto>(raw.l4_proto), kBits};
}

HostPort HostPort::from_raw(const sluice_address& address, __be16 port) {
  return {Address(address), ntohs(port)};
}

std::string Endpoint::text() const {
  return address.is_v4()
             ? fmt::format("{}:{}/{}", prefix().text(), port, l4_proto_text(l4_proto))
             : fmt::format("[{}]:{}/{}", prefix().text(), port, l4_proto_text(l4_proto));
}

sluice_endpoint Endpoint::raw() const {
  sluice_endpoint raw{};
  raw.address = address.raw();
  raw.port = htons(port);
  raw.l4_proto = static_cast<uint8_t>(l4_proto);
  return raw;
}

Result<HostPort> HostPort::parse(std::string_view text) {
  const auto parts = TRY(split_host_port(text, {"backend", text, ""}));
  const auto address = Address::parse(parts.host);
  if (!address) return misused("backend {:?}: {}", text, address.error().text);
  const auto port = TRY(parse_port(parts, address->is_v4()));
  return HostPort{*address, port};
}

std::string HostPort::text() const {
  return address.is_v4() ? fmt::format("{}:{}", address.text(), port)
                         : fmt::format("[{}]:{}", address.text(), port);
}

}  // namespace sluice
