// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// This sluice's programs in the place of another one's, in an instance that goes on: its maps, and
// with them every connection, stay. They are loaded aside (NEXT, below the instance), put behind
// each link in turn, and become the instance's with one exchange of directories; who is killed
// before that leaves the older ones, after it the newer, and the next command makes all agree.
#pragma once

#include <string>
#include <vector>

#include "control/changes.h"
#include "kernel/state/release.h"
#include "support/result.h"

namespace sluice {

struct UpgradeReport {
  bool changed = false;
  Release from;
  Release to;
  std::vector<std::string> swapped;  // "steer on eth0, native", "congestion control edge"
  std::vector<std::string> notes;    // sentences the operator should read
};

// What cannot be adopted is refused, and nothing is changed; only_show has the kernel look at the
// programs, too.
Result<UpgradeReport> upgrade(const std::string& name, Apply apply);

// What a killed upgrade left undone. The instance is locked; without one this costs a look.
Result<void> finish_upgrade(const std::string& directory);

}  // namespace sluice
