// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Attaches an instance's components to devices, lists the attachments, and detaches them. An
// attachment lives in the network namespace of the process that made it.
#pragma once

#include <string>
#include <vector>

#include "control/ports/device_port.h"
#include "kernel/state/instance_directory.h"
#include "model/component.h"
#include "support/result.h"

namespace sluice {

// Device settings (kernel/device/egress.h) that `settings` leaves out stay unchanged.
Result<AttachReport> attach(const InstanceDirectory& instance, Component component,
                            const std::string& device, const AttachSettings& settings);
Result<DetachReport> detach(const InstanceDirectory& instance, Component component,
                            const std::string& device);
// Health checks through the packet path (bpf/probe.bpf.c). Detached together with steer. False: it
// was attached already.
Result<bool> attach_probe(const InstanceDirectory& instance, const std::string& device);
Result<std::vector<Attachment>> attachments(const InstanceDirectory& instance);
// Works on an instance of any version. A clsact filter or libxdp program in another network
// namespace is out of reach: it stays attached there, and its pin is removed.
Result<void> detach_everything(const InstanceDirectory& instance);

}  // namespace sluice
