// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A program beside others at XDP of one device, in libxdp's dispatcher: packets that it passes go
// on to those behind it. libxdp keeps the dispatcher's pins in /sys/fs/bpf/xdp; ours says whose
// place it is. Limits: `steer` takes the long way with every packet, frames in several pieces
// (jumbo) are left to the device to refuse, and kernel and libxdp must agree on what may stand in a
// dispatcher: 6.1 and Debian 12's libxdp do, a kernel of 2025 wants a libxdp of 2025.
#pragma once

#include <string>

#include "kernel/device/hook.h"
#include "kernel/instance/instance.h"
#include "support/result.h"

namespace sluice {

// Puts it there, in the driver or else (`generic`) in the stack. A program that is there already
// and is no dispatcher is refused by its name.
Result<HookPlace> chain_attach(Instance& instance, const std::string& program,
                               const std::string& device, uint32_t ifindex, bool generic);
// This sluice's program in the place of another's: first beside it, then that one goes, so that no
// packet is without (and few meet both). False: it is this one's already.
Result<bool> chain_renew(Instance& instance, const HookPlace& place, const std::string& links);
// Is it no longer in the dispatcher? Of another network namespace that cannot be known: false.
[[nodiscard]] bool chain_is_gone(const HookPlace& place, const std::string& links);
// Takes it out of the dispatcher, and leaves the pin.
Result<void> chain_detach(const HookPlace& place, const std::string& links, uint32_t ifindex);

}  // namespace sluice
