// Addresses and endpoints as people write them, and as the contract keeps them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/address.h"
#include "support/result.h"

namespace sluice {

// An IPv4 or IPv6 address; IPv4 is held mapped, as in the contract.
class Address {
 public:
  Address() = default;
  explicit Address(const sluice_address& raw) : raw_(raw) {}

  // "203.0.113.10", "2001:db8::10". Refuses brackets, zones ("fe80::1%eth0"), prefixes and mapped
  // addresses ("::ffff:1.2.3.4", which would be another spelling of an IPv4 address).
  static Result<Address> parse(std::string_view text);

  // RFC 5952 for IPv6, dotted quad for IPv4.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool is_v4() const;
  // 0.0.0.0 or ::, which no packet should carry as its destination.
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_multicast() const;
  [[nodiscard]] const sluice_address& raw() const { return raw_; }

  friend bool operator==(const Address& a, const Address& b);
  friend bool operator<(const Address& a, const Address& b);  // by bytes

 private:
  sluice_address raw_{};
};

enum class L4Proto : uint8_t { tcp = 6, udp = 17 };

[[nodiscard]] std::string_view l4_proto_text(L4Proto l4_proto);

// Where a service listens. The port is in host order here; raw() converts, once.
struct Endpoint {
  Address address;
  uint16_t port = 0;
  L4Proto l4_proto = L4Proto::tcp;

  // "203.0.113.10:443/tcp", "[2001:db8::10]:53/udp". Port 1 to 65535; protocol tcp or udp,
  // required.
  static Result<Endpoint> parse(std::string_view text);
  static Endpoint from_raw(const sluice_endpoint& raw);

  [[nodiscard]] std::string text() const;
  [[nodiscard]] sluice_endpoint raw() const;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Where a backend listens: an endpoint whose protocol is its service's.
struct HostPort {
  Address address;
  uint16_t port = 0;

  // "10.0.0.11:8443", "[2001:db8::11]:8443".
  static Result<HostPort> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

}  // namespace sluice
