// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What every change has in common: how it begins, and how it is carried out once it is known to be
// right.
#pragma once

#include <functional>

#include "control/changes.h"
#include "control/configuration.h"
#include "control/derive.h"

namespace sluice {

// The configuration that a change starts from. Finishes first what a killed command began, unless
// nothing is to be written.
Result<Configuration> begin_change(Dataplane& dataplane, Apply apply);

// Announces, commits with the one write that `commit` is, derives, and takes the announcement back.
// `configuration` is as it will be after the commit. When the commit fails nothing has changed;
// when something after it fails, the next command finishes it.
Result<void> carry_out(Dataplane& dataplane, Configuration& configuration, uint32_t service,
                       const std::function<Result<void>()>& commit, const DirtySet& dirty);

// What failed after the commit.
[[nodiscard]] Error unfinished(const Error& error);

}  // namespace sluice
