// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The most segments of a GSO packet of a device (IFLA_GSO_MAX_SEGS, gso_max_segs of ip-link(8)),
// and the value from before sluice changed it. Records are empty directories in INSTANCE/segments,
// named IFINDEX-BEFORE-NOW@NAMESPACE. A record is created before the device is changed and removed
// after the device has its old value again, so a killed process loses no old value. A device that
// is created anew has another index. In the network namespace of this process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/component.h"
#include "support/result.h"

namespace sluice {

struct SegmentLimit {
  uint32_t packets = kGsoMaxSegs;  // the device's value
  uint32_t driver = kGsoMaxSegs;   // upper bound of the driver
  std::optional<uint32_t> before;  // value before sluice changed it; empty: sluice did not
  bool ours = false;               // sluice set the current value
};

// `directory` is the instance's and need not exist.
Result<SegmentLimit> segment_limit(const std::string& directory, const std::string& device,
                                   uint32_t ifindex);
// `packets` is at most the driver's bound. If other software changed the value after sluice, that
// value becomes the one to restore.
Result<void> set_segment_limit(const std::string& directory, const std::string& device,
                               uint32_t ifindex, uint32_t packets);
// Restores the old value, unless other software changed the value since, and purges the device's
// records and those of devices that no longer exist. Index 0: purges the latter alone.
Result<void> restore_segment_limit(const std::string& directory, const std::string& device,
                                   uint32_t ifindex);
// Of every device that has a record.
Result<void> restore_segment_limits(const std::string& directory);

}  // namespace sluice
