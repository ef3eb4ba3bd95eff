// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// TUN devices in network namespaces. The thread visits the namespace and comes back; what it takes
// home is the descriptor, through which the device's packets can be read from anywhere.
#pragma once

#include <cstdint>
#include <string>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice::linkem {

// A device of a namespace that "ip netns add" made.
struct Place {
  std::string netns;
  std::string device;
};

// Makes the device; it is gone when the descriptor is closed. Non-blocking.
[[nodiscard]] Result<Fd> make_tun(const Place& place);
// The same in the namespace that the thread is in.
[[nodiscard]] Result<Fd> make_tun(const std::string& device);

// Packets that the kernel had for the device but dropped, because nobody read fast enough.
[[nodiscard]] Result<uint64_t> device_drops(const Place& place);
[[nodiscard]] Result<uint64_t> device_drops(const std::string& device);

}  // namespace sluice::linkem
