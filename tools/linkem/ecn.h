// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The two ECN bits of an IP packet (RFC 3168, section 5), v4 and v6.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::linkem {

// The packet's sender understands ECN (ECT(0), ECT(1)) or it is marked already (CE).
[[nodiscard]] bool ecn_capable(std::span<const uint8_t> packet);

// Sets "congestion experienced" in an ECN-capable packet and keeps the IPv4 checksum right.
void mark_congestion(std::span<uint8_t> packet);

}  // namespace sluice::linkem
