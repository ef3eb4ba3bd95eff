// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Looks up routes, devices and forwarding settings, in the network namespace of this process.
#pragma once

#include <cstdint>
#include <string>

#include "control/ports/packet_path.h"
#include "model/address.h"
#include "support/result.h"

namespace sluice {

Result<Route> route_towards(const Address& destination);

// The outgoing device; of a multipath route the first next hop's.
Result<std::string> device_towards(const Address& destination);

Result<uint32_t> device_index(const std::string& device);
// Inode number of the network namespace of this process.
[[nodiscard]] std::string network_namespace_id();
// Whether the kernel forwards packets from this device. If not, bpf_fib_lookup() refuses.
[[nodiscard]] bool forwards_v4(const std::string& device);
[[nodiscard]] bool forwards_v6(const std::string& device);

}  // namespace sluice
