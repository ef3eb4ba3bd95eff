// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// TUN devices in network namespaces. The descriptor reads the device's packets from any namespace.
#pragma once

#include <cstdint>
#include <string>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice::linkem {

// A device in a namespace made by "ip netns add".
struct TunName {
  std::string netns;
  std::string device;
};

// Makes the device, which exists until the descriptor is closed. Non-blocking.
[[nodiscard]] Result<Fd> make_tun(const TunName& name);
// The same in the thread's namespace.
[[nodiscard]] Result<Fd> make_tun(const std::string& device);

// Packets that the kernel dropped because the device's queue was full.
[[nodiscard]] Result<uint64_t> device_drops(const TunName& name);
[[nodiscard]] Result<uint64_t> device_drops(const std::string& device);

}  // namespace sluice::linkem
