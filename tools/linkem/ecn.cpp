// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "linkem/ecn.h"

#include <cstddef>

namespace sluice::linkem {

namespace {

constexpr size_t kIpv4HeaderMin = 20;
constexpr size_t kIpv6Header = 40;
constexpr size_t kIpv4Checksum = 10;
constexpr uint8_t kEcnMask = 3;

unsigned ip_version(std::span<const uint8_t> packet) {
  if (packet.empty()) return 0;
  const unsigned version = packet[0] >> 4U;
  const bool whole = packet.size() >= (version == 4 ? kIpv4HeaderMin : kIpv6Header);
  return whole && (version == 4 || version == 6) ? version : 0;
}

}  // namespace

bool ecn_capable(std::span<const uint8_t> packet) {
  switch (ip_version(packet)) {
    case 4:
      return (packet[1] & kEcnMask) != 0;
    case 6:
      // The traffic class spans the first two bytes; its low two bits are bits 4 and 5 of the
      // second.
      return (packet[1] >> 4U & kEcnMask) != 0;
    default:
      return false;
  }
}

void mark_congestion(std::span<uint8_t> packet) {
  switch (ip_version(packet)) {
    case 4: {
      const unsigned before = packet[0] << 8U | packet[1];
      packet[1] = static_cast<uint8_t>(packet[1] | kEcnMask);
      const unsigned after = packet[0] << 8U | packet[1];
      // RFC 1624: HC' = ~(~HC + ~m + m')
      const unsigned checksum = packet[kIpv4Checksum] << 8U | packet[kIpv4Checksum + 1];
      unsigned sum = (~checksum & 0xffffU) + (~before & 0xffffU) + after;
      sum = (sum & 0xffffU) + (sum >> 16U);
      sum = (sum & 0xffffU) + (sum >> 16U);
      packet[kIpv4Checksum] = static_cast<uint8_t>(~sum >> 8U);
      packet[kIpv4Checksum + 1] = static_cast<uint8_t>(~sum);
      break;
    }
    case 6:
      packet[1] = static_cast<uint8_t>(packet[1] | kEcnMask << 4U);
      break;
    default:
      break;
  }
}

}  // namespace sluice::linkem
