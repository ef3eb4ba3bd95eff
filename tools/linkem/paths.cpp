// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "linkem/paths.h"

#include <algorithm>

namespace sluice::linkem {

namespace {

constexpr size_t kIpv4Destination = 16;
constexpr size_t kIpv6Destination = 24;

}  // namespace

void Paths::add(const Address& host, nanoseconds detour, LinkShape& shape) {
  shape.detours.push_back(detour);
  paths_[host] = shape.detours.size();
}

size_t Paths::of(std::span<const uint8_t> packet) const {
  if (paths_.empty() || packet.empty()) return 0;
  const unsigned version = packet[0] >> 4U;
  sluice_address raw{};
  if (version == 4 && packet.size() >= kIpv4Destination + 4) {
    raw.bytes[10] = raw.bytes[11] = 0xff;
    std::copy_n(packet.begin() + kIpv4Destination, 4, raw.bytes + 12);
  } else if (version == 6 && packet.size() >= kIpv6Destination + 16) {
    std::copy_n(packet.begin() + kIpv6Destination, 16, raw.bytes);
  } else {
    return 0;
  }
  const auto found = paths_.find(Address(raw));
  return found == paths_.end() ? 0 : found->second;
}

}  // namespace sluice::linkem
