// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The programs that make up a component on a device.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/device/attach_point.h"
#include "kernel/state/instance_directory.h"
#include "model/component.h"
#include "support/result.h"

namespace sluice {

[[nodiscard]] Component component_of(const std::string& program);
[[nodiscard]] bool is_probe(const std::string& program);
// A program that only accompanies a main program, or `sluice run`.
[[nodiscard]] bool is_companion(const std::string& program);
// The program whose presence means that the component is attached. It is attached last.
Result<std::string> main_program(Component component, uint32_t ifindex);

// Whether the program belongs to the component on this device of this network namespace.
[[nodiscard]] bool is_on(const AttachPoint& point, Component component, const std::string& device);
[[nodiscard]] bool is_attached(const InstanceDirectory& instance, Component component,
                               const std::string& device);

// Map `devices` holds the devices that steer may send to by XDP_REDIRECT: those that have steer.
Result<void> put_redirect_device(const InstanceDirectory& instance, const std::string& device);
Result<void> erase_redirect_device(const InstanceDirectory& instance, const std::string& device);

// False: none of the component's programs was attached.
Result<bool> detach_programs(const InstanceDirectory& instance, Component component,
                             const std::string& device);
// Detaches program `sockets` once no device needs it.
Result<void> release_sockets(const InstanceDirectory& instance);

}  // namespace sluice
