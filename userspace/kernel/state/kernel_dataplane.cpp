// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/kernel_dataplane.h"

namespace sluice {

Result<std::unique_ptr<KernelDataplane>> KernelDataplane::open(const std::string& directory) {
  auto plane = std::make_unique<KernelDataplane>();
  plane->configuration = TRY(KernelConfiguration::open(directory));
  plane->packet_path = TRY(KernelPacketPath::open(directory, plane->configuration));
  plane->counters = TRY(KernelCounters::open(directory));
  return plane;
}

}  // namespace sluice
