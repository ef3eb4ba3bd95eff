// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Questions to the kernel's own tables: routes, devices, forwarding. Answers hold for the
// network namespace of this process.
#pragma once

#include <cstdint>
#include <string>

#include "control/dataplane.h"
#include "model/address.h"
#include "support/result.h"

namespace sluice {

Result<Route> route_towards(const Address& destination);

// The device that packets there leave by; of several the first.
Result<std::string> device_towards(const Address& destination);

Result<uint32_t> device_index(const std::string& device);
// Inode number of the network namespace that this process is in.
[[nodiscard]] std::string network_namespace_id();
// Does the kernel forward what comes in at this device? (Its routing table answers only then.)
[[nodiscard]] bool forwards_v4(const std::string& device);
[[nodiscard]] bool forwards_v6(const std::string& device);

}  // namespace sluice
