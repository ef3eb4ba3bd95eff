// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The network of the stage's director, built in the caller's network namespace: devices, addresses,
// neighbours, routes, and settings that a test can change for its lifetime.
#pragma once

#include <string>
#include <vector>

#include "packets.h"

namespace sluice::stage {

using packets::Host;

// The director's address on the client side; packets::director is the one on the backend side.
inline const Host director_front{"director_front", 21, "203.0.113.1", "2001:db8:5::1"};
// A backend without a route, and one behind the gateway.
inline const Host backend_lost{"backend_lost", 22, "10.66.0.22", "2001:db8:66::22"};
inline const Host backend_far{"backend_far", 23, "10.77.0.23", "2001:db8:77::23"};

inline constexpr size_t kMtu = 1500;

void build_network();

// Writes a sysctl of the stage's network and restores the old value on destruction.
class Setting {
 public:
  Setting(const std::string& name, const std::string& value);  // "net/ipv4/conf/front/forwarding"
  ~Setting();
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  std::string path_;
  std::string before_;
};

// Sets the MTU of these devices, and kMtu of both again on destruction.
class Mtu {
 public:
  explicit Mtu(size_t bytes, const std::vector<std::string>& devices = {"front", "back"});
  ~Mtu();
  Mtu(const Mtu&) = delete;
  Mtu& operator=(const Mtu&) = delete;
};

// The gateway, which leads to the clients, has no neighbour entry until destruction.
class GatewayUnknown {
 public:
  GatewayUnknown();
  ~GatewayUnknown();
  GatewayUnknown(const GatewayUnknown&) = delete;
  GatewayUnknown& operator=(const GatewayUnknown&) = delete;
};

}  // namespace sluice::stage
