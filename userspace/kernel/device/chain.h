// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A program beside others at the XDP hook of a device, in libxdp's dispatcher. A packet that it
// passes continues with the next program. libxdp pins the dispatcher in /sys/fs/bpf/xdp; a pin of
// the instance marks the attach point. Limits:
//   - `steer` takes the slow path for every packet.
//   - Multi-buffer frames (jumbo) are not supported; the driver may refuse such an MTU.
//   - Kernel and libxdp must agree on what a dispatcher may contain: 6.1 and Debian 12's libxdp do,
//     a kernel of 2025 needs a libxdp of 2025.
#pragma once

#include <string>

#include "kernel/device/attach_point.h"
#include "kernel/state/instance_directory.h"
#include "support/result.h"

namespace sluice {

// In the driver, or with `generic` in the stack. Refuses a device whose XDP program is not a
// dispatcher, and names that program.
Result<AttachPoint> chain_attach(const InstanceDirectory& instance, const std::string& program,
                                 const std::string& device, uint32_t ifindex, bool generic);
// Replaces the program of another version: adds this version's first, then removes the old one, so
// that every packet meets at least one of them (a few meet both). False: it is this version's.
Result<bool> chain_renew(const InstanceDirectory& instance, const AttachPoint& point);
// Whether the dispatcher lacks the program. In another network namespace that is unknown: false.
[[nodiscard]] bool chain_is_gone(const AttachPoint& point, const std::string& links);
// Removes it from the dispatcher and keeps the pin.
Result<void> chain_detach(const AttachPoint& point, const std::string& links, uint32_t ifindex);

}  // namespace sluice
