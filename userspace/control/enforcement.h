// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which mechanism enforces each limit of a policy, where, and for what reason: the output of
// `policy show`. Pure; kernel/instance/enforcers.h finds what is attached.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/policy.h"
#include "model/service.h"

namespace sluice {

// A device that `pace` is on.
struct PacedDevice {
  std::string name;
  std::string qdisc;     // its root qdisc: "fq", "noqueue", "htb" ...
  bool departs = false;  // packets get departure times there, since pace was attached
};

struct Enforcers {
  std::vector<std::string> steered;  // devices that `steer` is on
  std::vector<PacedDevice> paced;
  bool sockets = false;                   // local TCP sockets pace themselves
  std::optional<std::string> congestion;  // the name of the instance's congestion control
};

struct Enforcement {
  std::string_view limit;      // "flow rate", as `policy list` heads its columns
  std::string_view mechanism;  // "departure times" ...; "none": the limit is not enforced
  std::string where;           // a device, several, or a congestion control; empty: nowhere
  std::string why;

  friend bool operator==(const Enforcement&, const Enforcement&) = default;
};

[[nodiscard]] std::vector<Enforcement> enforcements_of(const Service& service, const Policy& policy,
                                                       const Enforcers& enforcers);

}  // namespace sluice
