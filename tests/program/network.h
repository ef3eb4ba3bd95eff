// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The network of the stage's director, in the network namespace of whoever builds it: its legs, its
// neighbours, its routes, and what a test may change for a while.
#pragma once

#include <string>

#include "packets.h"

namespace sluice::stage {

using packets::Host;

// The director's leg towards its clients; packets::director is the one towards its backends.
inline const Host director_front{"director_front", 21, "203.0.113.1", "2001:db8:5::1"};
// Backends that no route leads to, and one behind the gateway.
inline const Host backend_lost{"backend_lost", 22, "10.66.0.22", "2001:db8:66::22"};
inline const Host backend_far{"backend_far", 23, "10.77.0.23", "2001:db8:77::23"};

inline constexpr size_t kMtu = 1500;

void build_network();

// Writes a setting of the stage's network and puts the old one back.
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

// Both legs take packets of up to so many bytes, and of kMtu again afterwards.
class Mtu {
 public:
  explicit Mtu(size_t bytes);
  ~Mtu();
  Mtu(const Mtu&) = delete;
  Mtu& operator=(const Mtu&) = delete;
};

}  // namespace sluice::stage
