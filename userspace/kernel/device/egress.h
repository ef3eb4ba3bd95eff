// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Device settings that come with pace when asked for: fq as the root qdisc (kernel/device/qdisc.h),
// and smaller GSO packets (kernel/device/segments.h). Each is recognisable as made by sluice, and
// is reverted when pace is detached. In the network namespace of this process.
#pragma once

#include <string>

#include "control/ports/apply_mode.h"
#include "control/ports/device_port.h"
#include "model/component.h"
#include "support/result.h"

namespace sluice {

// `directory` is the instance's. It need not exist for reading and for a dry run.
Result<Egress> egress_of(const std::string& directory, const std::string& device);
// Settings that are not given stay unchanged. A kernel without fq gets a note. A root qdisc that
// other software installed is an error. An error changes nothing.
Result<EgressReport> fit_egress(const std::string& directory, const std::string& device,
                                const AttachSettings& settings, Apply apply);
// Reverts to `before`, an earlier result of egress_of().
Result<void> restore_egress(const std::string& directory, const std::string& device,
                            const Egress& before);
// Reverts all settings that sluice made. If the device no longer exists, its records are purged.
Result<EgressReport> release_egress(const std::string& directory, const std::string& device,
                                    Apply apply);

}  // namespace sluice
