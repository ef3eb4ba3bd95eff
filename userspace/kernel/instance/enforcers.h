// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What of an instance is attached where, as far as it keeps policies; for control/enforcement.h.
#pragma once

#include "control/enforcement.h"
#include "kernel/instance/instance.h"
#include "support/result.h"

namespace sluice {

// Of this network namespace.
Result<Enforcers> enforcers_of(Instance& instance);

}  // namespace sluice
