// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Applies the services of a file as one transaction: all changes are written to the journal and
// committed with one word. Before that word nothing has changed; after it, this command or the next
// one carries all of it out (control/commit.h). Packets see each service change with one write of
// its own (control/derive.h).
#pragma once

#include <string>
#include <vector>

#include "control/changes.h"
#include "control/ports/dataplane.h"
#include "model/desired.h"
#include "support/result.h"

namespace sluice {

// One sentence per change, in order; empty: everything is as desired. Refuses what check_desired()
// cannot know: an instance without room for all of it, a new backend whose route its service's mode
// cannot use. Such an error names the line of the file.
Result<std::vector<std::string>> apply_services(Dataplane dataplane,
                                                const std::vector<DesiredService>& desired,
                                                Apply apply);

}  // namespace sluice
