// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which way a packet goes behind the bottleneck, by its destination: hosts that are further away
// than the link's own delay.
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "linkem/queue.h"
#include "model/address.h"

namespace sluice::linkem {

class Paths {
 public:
  // What goes to this host takes so much longer; `shape` learns of the detour.
  void add(const Address& host, nanoseconds detour, LinkShape& shape);

  // The path of an IP packet, as Queue::offer takes it; 0 to every host that was not added.
  [[nodiscard]] size_t of(std::span<const uint8_t> packet) const;

 private:
  std::map<Address, size_t> paths_;
};

}  // namespace sluice::linkem
