// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The two hosts of a run: each an unnamed network namespace with a TUN device, which has the host's
// addresses and is one end of the emulated link.
#pragma once

#include <string>
#include <vector>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice::benchmark {

inline constexpr const char* kLinkDevice = "link0";

struct End {
  Fd netns;
  Fd tun;
};

// The first address is a /24, the others are /32; the default route leads through the device.
// `ecn`: connections negotiate ECN.
[[nodiscard]] Result<End> make_host(const std::vector<std::string>& addresses, bool ecn);

}  // namespace sluice::benchmark
