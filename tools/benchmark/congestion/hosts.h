// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The two hosts of a run: a network namespace without a name each, and in it a TUN device with the
// host's addresses, whose packets are the emulator's.
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

// The first address has the others of its /24 behind the device, which is where everything else is,
// too. `ecn`: connections ask for it.
[[nodiscard]] Result<End> make_host(const std::vector<std::string>& addresses, bool ecn);

}  // namespace sluice::benchmark
