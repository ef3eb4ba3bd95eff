// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An instance in the kernel: the three parts of a Dataplane over its pinned maps.
#pragma once

#include <memory>
#include <string>

#include "control/ports/dataplane.h"
#include "kernel/state/kernel_configuration.h"
#include "kernel/state/kernel_counters.h"
#include "kernel/state/kernel_packet_path.h"

namespace sluice {

struct KernelDataplane {
  static Result<std::unique_ptr<KernelDataplane>> open(const std::string& directory);

  operator Dataplane() { return {configuration, packet_path, counters}; }

  KernelConfiguration configuration;
  KernelPacketPath packet_path;
  KernelCounters counters;
};

}  // namespace sluice
