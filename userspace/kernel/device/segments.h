// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How many packets a device takes in one piece, for it or its driver to segment (IFLA_GSO_MAX_SEGS;
// `ip -d link` says gso_max_segs), and how many it took before sluice changed that. What is
// tracked are directories without content below INSTANCE/segments, whose names say it all:
// IFINDEX-BEFORE-NOW@NAMESPACE. Each is made before the device is changed and goes after it, so
// whoever is killed leaves one that tells what the device had; a device made anew has another
// index. Holds for the network namespace of this process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/component.h"
#include "support/result.h"

namespace sluice {

struct SegmentLimit {
  uint32_t packets = kGsoMaxSegs;  // what the device takes now
  uint32_t driver = kGsoMaxSegs;   // what it can be set to at most
  // Where sluice made it so, or somebody changed it after sluice did: what it was before that.
  std::optional<uint32_t> before;
  bool ours = false;  // it is as sluice made it
};

// `directory` is the instance's, and need not be there.
Result<SegmentLimit> segment_limit(const std::string& directory, const std::string& device,
                                   uint32_t ifindex);
// At most what the driver takes. Where somebody changed it after sluice did, that is tracked.
Result<void> set_segment_limit(const std::string& directory, const std::string& device,
                               uint32_t ifindex, uint32_t packets);
// The device has again what it had, unless somebody else changed it since, and nothing is
// tracked of it; nor of devices that are gone, which 0 as its index means.
Result<void> restore_segment_limit(const std::string& directory, const std::string& device,
                                   uint32_t ifindex);
// Of every device that is tracked.
Result<void> restore_segment_limits(const std::string& directory);

}  // namespace sluice
