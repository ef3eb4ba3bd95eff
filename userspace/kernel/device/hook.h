// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One program at one hook of one device: attach, replace, detach.
#pragma once

#include <cstdint>
#include <string>

#include "kernel/device/attach_point.h"
#include "support/result.h"

namespace sluice {

enum class Hook { xdp_native, xdp_generic, tc_ingress, tc_egress };

// Attaches the program and pins it in `links`. tc: tcx if the kernel has it, else clsact.
Result<AttachPoint> hook_attach(int program_fd, Hook hook, const std::string& links,
                                const std::string& program, const std::string& device,
                                uint32_t ifindex);

// Whether the device no longer exists. Unknown for clsact of another network namespace: false.
[[nodiscard]] bool hook_is_gone(const AttachPoint& point, const std::string& links);

// Replaces the program of a pinned link of any kind. False: the link has it already.
Result<bool> link_swap(const std::string& path, int program_fd);

// Replaces the program of an attach point: a packet meets either the old or the new one. False: it
// is attached already. A clsact device must be in this network namespace. Not for `chained`.
Result<bool> hook_swap(const AttachPoint& point, const std::string& links, int program_fd);

// Detaches the program and removes the pin. A clsact filter in another network namespace is out of
// reach and stays.
Result<void> hook_detach(const AttachPoint& point, const std::string& links);

}  // namespace sluice
