// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The path of a packet behind the bottleneck, by its destination: hosts with more delay than the
// link's own.
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "linkem/queue.h"
#include "model/address.h"

namespace sluice::linkem {

class Paths {
 public:
  // Adds `detour` to the delay of packets to this host, and a path for it to `shape`.
  void add(const Address& host, nanoseconds detour, LinkShape& shape);

  // The path of an IP packet, for Queue::offer(); 0 for all other hosts.
  [[nodiscard]] size_t of(std::span<const uint8_t> packet) const;

 private:
  std::map<Address, size_t> paths_;
};

}  // namespace sluice::linkem
