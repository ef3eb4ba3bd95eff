// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Applies a whole configuration to an instance: services (control/apply.h), devices and congestion
// control. Order:
//   1. attach and load what is new
//   2. commit the services, once
//   3. detach and unload what is no longer wanted
// A failure before the commit reverts step 1, so it changes nothing. A command that is killed
// leaves at most surplus programs on a device, which serve the old services until the file is
// applied again.
#pragma once

#include <string>
#include <vector>

#include "control/changes.h"
#include "control/ports/congestion_port.h"
#include "control/ports/device_port.h"
#include "model/desired.h"
#include "support/result.h"

namespace sluice {

// One instance. It need not exist for a dry run.
struct ConfigurationPorts {
  std::string instance;  // its name
  Dataplane dataplane;
  DevicePort& devices;
  CongestionPort& congestion;
};

struct Applied {
  std::vector<std::string> changes;  // sentences, in order; empty: everything is as desired
  std::vector<std::string> notes;    // sentences for the operator, about attachments
};

// The instance is locked, except for a dry run.
Result<Applied> apply_configuration(const ConfigurationPorts& ports, const Desired& desired,
                                    Apply apply);

// The running configuration as a file would say it: services, attachments in this network
// namespace, congestion control.
Result<Desired> running_configuration(const ConfigurationPorts& ports);

}  // namespace sluice
