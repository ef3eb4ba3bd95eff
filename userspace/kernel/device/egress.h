// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What pace makes of the device that it is on, when asked: fq its root qdisc
// (kernel/device/qdisc.h), and less packets in one piece (kernel/device/segments.h). Each is known
// again as sluice's own, and is given back with pace. Holds for the network namespace of this
// process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/changes.h"
#include "model/component.h"
#include "support/result.h"

namespace sluice {

// What of a device is so because sluice made it so.
struct Egress {
  bool fq = false;
  std::optional<uint32_t> gso_max_segs;

  friend bool operator==(const Egress&, const Egress&) = default;
};

struct EgressReport {
  std::vector<std::string> changes;  // sentences: what was done, or will be
  std::vector<std::string> notes;    // what was not done, and why
};

// `directory` is the instance's, and need not be there to only look or show.
Result<Egress> egress_of(const std::string& directory, const std::string& device);
// What the settings does not name stays as it is. Where the kernel has no fq that is a note;
// somebody else's root qdisc stays, and is an error. An error changes nothing.
Result<EgressReport> fit_egress(const std::string& directory, const std::string& device,
                                const AttachSettings& settings, Apply apply);
// As it was at that time: what came since is taken back.
Result<void> restore_egress(const std::string& directory, const std::string& device,
                            const Egress& before);
// All that sluice made of it is taken back. Of a device that is gone, what is tracked.
Result<EgressReport> release_egress(const std::string& directory, const std::string& device,
                                    Apply apply);

}  // namespace sluice
