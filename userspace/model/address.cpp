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

bool has_mapped_prefix(const sluice_address& raw) {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), raw.bytes);
}

// "ADDRESS:PORT", with brackets round IPv6. `what` and `whole` are for the error alone.
Result<HostPort> parse_host_port(std::string_view text, std::string_view what,
                                 std::string_view whole, std::string_view suffix) {
  std::string_view host;
  std::string_view port;
  bool bracketed = text.starts_with('[');
  if (bracketed) {
    size_t close = text.find(']');
    if (close == std::string_view::npos)
      return misused("{} {:?}: \"[\" without \"]\"", what, whole);
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
  } else {
    size_t colon = text.find(':');
    if (text.find(':', colon + 1) != std::string_view::npos && colon != std::string_view::npos) {
      return misused("{} {:?}: an IPv6 address stands in brackets, as in [2001:db8::10]:443{}",
                     what, whole, suffix);
    }
    host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
  }
  if (port.empty()) {
    std::string_view written = text.empty() ? "ADDRESS" : text;
    return misused("{} {:?}: names no port; write {}:PORT{}", what, whole, written, suffix);
  }
  if (port.front() != ':') {
    return misused("{} {:?}: \":PORT\" should follow \"]\"", what, whole);
  }
  Result<Address> address = Address::parse(host);
  if (!address) return misused("{} {:?}: {}", what, whole, address.error().text);
  if (bracketed == address->is_v4()) {
    return misused("{} {:?}: brackets are for IPv6; write {}:PORT{}", what, whole, host, suffix);
  }
  port.remove_prefix(1);
  auto number = parse_decimal(port, UINT16_MAX);
  if (!number || *number == 0) {
    return misused("{} {:?}: port {:?} is not a whole number from 1 to 65535", what, whole, port);
  }
  return HostPort{*address, static_cast<uint16_t>(*number)};
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  auto refuse = [text](std::string_view why) { return misused("address {:?}: {}", text, why); };
  if (text.starts_with('[')) return refuse("brackets only belong round an address with a port");
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

std::string_view l4_proto_text(L4Proto l4_proto) {
  switch (l4_proto) {
    case L4Proto::tcp:
      return "tcp";
    case L4Proto::udp:
      return "udp";
  }
  return "unknown";
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) {
    return misused("endpoint {:?}: names no protocol; add /tcp or /udp", text);
  }
  std::string_view name = text.substr(slash + 1);
  L4Proto l4_proto = L4Proto::tcp;
  if (name == "udp") {
    l4_proto = L4Proto::udp;
  } else if (name != "tcp") {
    return misused("endpoint {:?}: protocol {:?} is not tcp or udp", text, name);
  }
  Result<HostPort> at =
      parse_host_port(text.substr(0, slash), "endpoint", text, text.substr(slash));
  if (!at) return tl::unexpected(at.error());
  return Endpoint{at->address, at->port, l4_proto};
}

Endpoint Endpoint::from_raw(const sluice_endpoint& raw) {
  return {Address(raw.address), ntohs(raw.port), static_cast<L4Proto>(raw.l4_proto)};
}

std::string Endpoint::text() const {
  return fmt::format("{}/{}", HostPort{address, port}.text(), l4_proto_text(l4_proto));
}

sluice_endpoint Endpoint::raw() const {
  sluice_endpoint raw{};
  raw.address = address.raw();
  raw.port = htons(port);
  raw.l4_proto = static_cast<uint8_t>(l4_proto);
  return raw;
}

Result<HostPort> HostPort::parse(std::string_view text) {
  return parse_host_port(text, "backend", text, "");
}

std::string HostPort::text() const {
  return address.is_v4() ? fmt::format("{}:{}", address.text(), port)
                         : fmt::format("[{}]:{}", address.text(), port);
}

}  // namespace sluice
