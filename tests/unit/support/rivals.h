// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Senders of the path simulation: models of the kernel's cubic and bbr to compete with, and ours,
// which is the code of bpf/pure.
#pragma once

#include <memory>

#include "unit/support/path_simulation.h"

namespace sluice::simulation {

std::unique_ptr<Controller> make_cubic();
std::unique_ptr<Controller> make_bbr();

}  // namespace sluice::simulation
