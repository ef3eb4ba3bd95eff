// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Replaces the programs of an instance by this sluice's, and keeps its maps and so every
// connection. Steps:
//   1. load the new programs into INSTANCE/next
//   2. replace the program of every attach point, one after the other
//   3. exchange the directories `programs` and `next`
//   4. remove `next`
// A command killed before step 3 leaves the old programs in `programs`, later the new ones. The
// next command attaches what is in `programs` everywhere.
#pragma once

#include <string>
#include <vector>

#include "control/changes.h"
#include "kernel/state/instance_directory.h"
#include "kernel/state/release.h"
#include "support/result.h"

namespace sluice {

struct UpgradeReport {
  bool changed = false;
  Release from;
  Release to;
  std::vector<std::string> swapped;  // "steer on eth0, native", "congestion control edge"
  std::vector<std::string> notes;    // sentences for the operator
};

// Refuses maps that cannot be adopted, and then changes nothing. A dry run, too, has the kernel
// verify the programs.
Result<UpgradeReport> upgrade(const std::string& name, Apply apply);

// Completes or reverts an interrupted upgrade. The caller holds the instance's lock. Without such
// an upgrade it costs one stat(2).
Result<void> finish_upgrade(const InstanceDirectory& instance);

}  // namespace sluice
