// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The attachments of an instance that can enforce policies, as input of control/enforcement.h.
#pragma once

#include "control/enforcement.h"
#include "kernel/state/instance_directory.h"
#include "support/result.h"

namespace sluice {

// In this network namespace.
Result<Enforcers> enforcers_of(const InstanceDirectory& instance);

}  // namespace sluice
