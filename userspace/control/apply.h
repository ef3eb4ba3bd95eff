// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Makes the running services what a file wants, as one transaction: all that changes is noted in
// the journal and committed with one word. From then on whoever comes next, this command or the one
// after it, writes it into the configuration and brings what packets read up to date; before it,
// nothing has changed. Packets see each service's change with one write of its own
// (control/derive.h).
#pragma once

#include <string>
#include <vector>

#include "control/changes.h"
#include "control/dataplane.h"
#include "model/desired.h"
#include "support/result.h"

namespace sluice {

// The changes that were made, or would be, in their order; empty: everything is as desired. Refuses
// what check_desired() cannot know: no room for all of it, a new backend to which there is no way
// that its service's mode could use. The file's line is in such an error, where it has one.
Result<std::vector<std::string>> apply_services(Dataplane& dataplane,
                                                const std::vector<DesiredService>& desired,
                                                Apply apply);

}  // namespace sluice
