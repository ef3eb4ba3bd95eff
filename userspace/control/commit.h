// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How every change is carried out: announce, commit, derive, clear the announcement. A process that
// is killed between any two steps leaves an announcement by which the next command finishes the
// change (control/recover.h); before the commit, nothing has changed.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/changes.h"
#include "control/configuration.h"
#include "control/derive.h"
#include "control/difference.h"

namespace sluice {

// The configuration that a change starts from. Finishes first what a killed command began, unless
// nothing is to be written.
Result<Configuration> begin_change(Dataplane dataplane, Apply apply);

// The same for a change of this service's existing backends.
Result<Configuration> begin_backend_change(Dataplane dataplane, const std::string& service,
                                           Apply apply);

// By backend number: the line of the file that names it.
using BackendLines = std::unordered_map<uint32_t, uint32_t>;

// The difference between the two, checked against the kernel's routes and carried out, or only
// shown. The sentences of it; empty: there is none.
Result<std::vector<std::string>> carry_out(Dataplane dataplane, Configuration before,
                                           const Configuration& after, Apply apply,
                                           Cause cause = Cause::request,
                                           const BackendLines& lines = {});

using Step = std::function<Result<void>()>;

// Announces a change of `pending` (a service's number, or SLUICE_PENDING_ALL), then commits, then
// derives. If `commit` fails, nothing has changed. If `derive` fails, the announcement stays and
// the error says that the next command finishes the change.
Result<void> announce(ConfigurationStore& store, uint32_t pending, const Step& commit,
                      const Step& derive);

// A committed transaction is written into the configuration, what derives from it is brought up to
// date, and its journal is erased. `configuration` has the writes already.
Result<void> finish_writes(Dataplane dataplane, const Writes& writes, Configuration& configuration,
                           const std::vector<uint32_t>& services, const DirtySet& dirty);

}  // namespace sluice
