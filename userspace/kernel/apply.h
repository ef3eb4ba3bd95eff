// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A whole configuration brought about in an instance: services (control/apply.h), devices and
// congestion control. What is attached or loaded anew comes before the services' one commit, and is
// taken back where that, or anything before it, fails; what goes, goes after it. So a failure
// changes nothing, and whoever is killed leaves at most a program too many on a device, which
// steers to the services that were there, until the file is applied again.
#pragma once

#include <string>
#include <vector>

#include "control/changes.h"
#include "kernel/device/attach.h"
#include "kernel/instance/instance.h"
#include "model/desired.h"
#include "support/result.h"

namespace sluice {

struct Applied {
  std::vector<std::string> changes;  // sentences, in their order; empty: all is as desired
  std::vector<std::string> notes;    // that the operator should read, of what was attached
};

// `instance` is locked unless it is only shown.
Result<Applied> apply_configuration(Instance& instance, const Desired& desired, Apply apply);
// What it would be for an instance that is not there.
Result<Applied> show_configuration(Dataplane& absent, const std::string& instance,
                                   const Desired& desired);

// What a file would say of the instance as it runs: its services, what is attached in this network
// namespace, its congestion control.
Result<Desired> running_configuration(Instance& instance);

}  // namespace sluice
