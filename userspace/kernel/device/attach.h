// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Putting an instance's programs on devices, and finding them there again. An attachment is a link
// pinned under the instance (XDP, and tcx from kernel 6.6 on), or a clsact filter and a pin that
// remembers it; it lives in the network namespace of the process that made it.
#pragma once

#include <string>
#include <vector>

#include "kernel/device/egress.h"
#include "kernel/instance/instance.h"
#include "model/component.h"
#include "support/result.h"

namespace sluice {

struct Attachment {
  Component part{};
  std::string device;
  std::string mode;          // "native", "generic", "tcx", "clsact", "chained"
  bool here = true;          // false: in another network namespace
  bool gone = false;         // the device is no longer there
  std::string namespace_id;  // inode number of the network namespace
  bool departs = false;      // pace: packets get departure times, for its qdisc was fq
  Egress egress{};           // pace, here: what of the device sluice made so
};

struct AttachReport {
  bool already = false;
  Attachment attachment;
  std::vector<std::string> changes;  // of the device itself, also where it was attached already
  std::vector<std::string>
      notes;  // sentences the operator should read: fell back to generic, no fq
};

struct DetachReport {
  bool detached = false;  // false: it was not attached
  EgressReport egress;
};

// Of what the device shall be (kernel/device/egress.h), what the settings does not name stays as it
// is.
Result<AttachReport> attach(Instance& instance, Component part, const std::string& device,
                            const AttachSettings& settings);
Result<DetachReport> detach(Instance& instance, Component part, const std::string& device);
// What lets checks travel as clients' packets do (bpf/probe.bpf.c); it goes with steer, or with the
// instance. False: it was there already.
Result<bool> attach_probe(Instance& instance, const std::string& device);
Result<std::vector<Attachment>> attachments(Instance& instance);
// Of the instance in this directory, whatever its version. What is in other network namespaces and
// not a link stays there without effect on others; its pin goes.
Result<void> detach_everything(const std::string& directory);

}  // namespace sluice
