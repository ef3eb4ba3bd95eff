// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Lists and detaches what attach.cpp attaches.
#include <net/if.h>

#include "kernel/device/attach.h"
#include "kernel/device/component_programs.h"
#include "kernel/device/egress.h"
#include "kernel/device/hook.h"
#include "kernel/device/qdisc.h"
#include "kernel/device/segments.h"
#include "kernel/device/sockets.h"
#include "kernel/system/routes.h"

namespace sluice {

Result<std::vector<Attachment>> attachments(const InstanceDirectory& instance) {
  std::vector<Attachment> all;
  const auto points = TRY(attach_points(instance.links()));
  for (const AttachPoint& point : points) {
    if (is_companion(point.program)) continue;
    Attachment attachment{.component = component_of(point.program),
                          .device = point.device,
                          .mode = std::string(hook_kind_text(point.kind)),
                          .here = point.namespace_id == network_namespace_id(),
                          .gone = hook_is_gone(point, instance.links()),
                          .namespace_id = point.namespace_id,
                          .departs = point.program == "pace_egress_edt"};
    // The index is 0 also for a device that was renamed: its link stays attached.
    if (attachment.component == Component::pace && attachment.here &&
        if_nametoindex(point.device.c_str()) != 0)
      attachment.egress = TRY(egress_of(instance.directory(), point.device));
    all.push_back(std::move(attachment));
  }
  return all;
}

Result<DetachReport> detach(const InstanceDirectory& instance, Component component,
                            const std::string& device) {
  const bool detached = TRY(detach_programs(instance, component, device));
  if (component != Component::pace) return DetachReport{detached, {}};
  TRY(release_sockets(instance));
  return DetachReport{detached, TRY(release_egress(instance.directory(), device, Apply::perform))};
}

Result<void> detach_everything(const InstanceDirectory& instance) {
  const auto points = TRY(attach_points(instance.links()));
  for (const AttachPoint& point : points) {
    TRY(hook_detach(point, instance.links()));
    if (component_of(point.program) != Component::pace ||
        point.namespace_id != network_namespace_id())
      continue;
    if (const uint32_t ifindex = if_nametoindex(point.device.c_str()); ifindex != 0)
      TRY(remove_fq(point.device, ifindex));
  }
  TRY(restore_segment_limits(instance.directory()));
  return detach_sockets(instance.directory());
}

}  // namespace sluice
