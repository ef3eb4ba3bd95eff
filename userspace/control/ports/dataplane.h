// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One instance, as control acts on it: the kernel's maps (userspace/kernel/state), or memory
// (memory_instance.h). A function takes the narrowest part that it uses.
//
// The packet path sees every call as atomic, and no call depends on another: a process killed
// between two calls leaves a state that control/recover.h can finish. The order of a change is
// always: set_pending, the configuration (this write is the commit), what derives from it,
// set_pending(0). See control/commit.h.
#pragma once

#include "control/ports/configuration_store.h"
#include "control/ports/packet_path.h"
#include "control/ports/traffic_counters.h"

namespace sluice {

struct Dataplane {
  ConfigurationStore& configuration;
  PacketPath& packet_path;
  TrafficCounters& counters;
};

}  // namespace sluice
