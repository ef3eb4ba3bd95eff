// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The two ECN bits of an IP packet (RFC 3168, section 5), v4 and v6.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::linkem {

// The packet is ECN-capable (ECT(0), ECT(1)) or already marked (CE).
[[nodiscard]] bool ecn_capable(std::span<const uint8_t> packet);

// Marks the packet (CE) and updates the IPv4 checksum.
void mark_congestion(std::span<uint8_t> packet);

}  // namespace sluice::linkem
