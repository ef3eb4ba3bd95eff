// Putting an instance's programs on devices, and finding them there again. An attachment is a link
// pinned under the instance (XDP, and tcx from kernel 6.6 on), or a clsact filter and a pin that
// remembers it; it lives in the network namespace of the process that made it.
#pragma once

#include <string>
#include <vector>

#include "kernel/instance.h"
#include "model/part.h"
#include "support/result.h"

namespace sluice {

struct Attachment {
  Part part{};
  std::string device;
  std::string mode;          // "native", "generic", "tcx", "clsact", "chained"
  bool here = true;          // false: in another network namespace
  bool gone = false;         // the device is no longer there
  std::string namespace_id;  // inode number of the network namespace
  bool departs = false;      // pace: packets get departure times, for its qdisc was fq
};

struct AttachReport {
  bool already = false;
  Attachment attachment;
  std::vector<std::string>
      notes;  // sentences the operator should read: fell back to generic, no fq
};

// Where its root qdisc shall be fq and the kernel has none, a note says so, and what works without
// is used; somebody else's root qdisc stays, and is an error.
Result<AttachReport> attach(Instance& instance, Part part, const std::string& device,
                            const AttachWish& wish);
// What of `fq` would be done, or stands against it; nothing is changed.
Result<std::vector<std::string>> fq_notes(const std::string& device);
// False: it was not attached.
Result<bool> detach(Instance& instance, Part part, const std::string& device);
// What lets checks travel as clients' packets do (bpf/probe.bpf.c); it goes with steer, or with the
// instance. False: it was there already.
Result<bool> attach_probe(Instance& instance, const std::string& device);
Result<std::vector<Attachment>> attachments(Instance& instance);
// Of the instance in this directory, whatever its version. What is in other network namespaces and
// not a link stays there without effect on others; its pin goes.
Result<void> detach_everything(const std::string& directory);

}  // namespace sluice
