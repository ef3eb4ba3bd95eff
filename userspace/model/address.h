// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Addresses and endpoints, as text and as the contract keeps them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/address.h"
#include "support/result.h"

namespace sluice {

// An IPv4 or IPv6 address; IPv4 is stored v4-mapped, as in the contract.
class Address {
 public:
  Address() = default;
  explicit Address(const sluice_address& raw) : raw_(raw) {}

  // "203.0.113.10", "2001:db8::10". Refuses brackets, zones ("fe80::1%eth0"), prefixes and mapped
  // addresses ("::ffff:1.2.3.4", a second spelling of an IPv4 address).
  static Result<Address> parse(std::string_view text);

  // RFC 5952 for IPv6, dotted quad for IPv4.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool is_v4() const;
  // 0.0.0.0 or ::, which are no packet's destination.
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_multicast() const;
  [[nodiscard]] const sluice_address& raw() const { return raw_; }

  friend bool operator==(const Address& a, const Address& b);
  friend bool operator<(const Address& a, const Address& b);  // by bytes

 private:
  sluice_address raw_{};
};

// A prefix of addresses of one family.
struct Prefix {
  Address address;     // no bit set behind the prefix
  uint8_t bits = 128;  // of the 16 bytes: IPv4 counts from 96

  // "203.0.113.0/24", "2001:db8::/64"; an address alone is the prefix of all its bits.
  static Result<Prefix> parse(std::string_view text);
  // Without a length if it is one address.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(const Address& one) const;
  [[nodiscard]] bool overlaps(const Prefix& other) const;
  friend bool operator==(const Prefix&, const Prefix&) = default;
  friend bool operator<(const Prefix& a, const Prefix& b);  // by address, the wider one first
};

// The protocol above IP. `any`, `icmp` and `icmpv6` occur in tables only, never in a configuration.
enum class L4Proto : uint8_t { any = 0, icmp = 1, tcp = 6, udp = 17, icmpv6 = 58 };

[[nodiscard]] std::string_view l4_proto_text(L4Proto l4_proto);

// Where a service listens: one address or a prefix, one port or any. The port is in host order;
// raw() converts it.
struct Endpoint {
  Address address;
  uint16_t port = 0;  // 0: any
  L4Proto l4_proto = L4Proto::tcp;
  uint8_t prefix_bits = 128;  // as Prefix::bits; 128: one address

  // "203.0.113.10:443/tcp", "[2001:db8::10]:53/udp", "203.0.113.0/24:443/tcp",
  // "[2001:db8::/64]:0/tcp". Protocol tcp or udp, required.
  static Result<Endpoint> parse(std::string_view text);
  // One address: the raw form has no prefix.
  static Endpoint from_raw(const sluice_endpoint& raw);

  [[nodiscard]] std::string text() const;
  [[nodiscard]] sluice_endpoint raw() const;
  [[nodiscard]] Prefix prefix() const { return {address, prefix_bits}; }
  [[nodiscard]] bool is_prefix() const { return prefix_bits < 128; }
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Where a backend listens: an endpoint whose protocol is its service's.
struct HostPort {
  Address address;
  uint16_t port = 0;

  // "10.0.0.11:8443", "[2001:db8::11]:8443"; port 0: the port that the client asked for.
  static Result<HostPort> parse(std::string_view text);
  static HostPort from_raw(const sluice_address& address, __be16 port);
  [[nodiscard]] std::string text() const;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

}  // namespace sluice
