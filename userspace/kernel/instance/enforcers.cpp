// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/instance/enforcers.h"

#include "kernel/congestion/control.h"
#include "kernel/device/attach.h"
#include "kernel/device/qdisc.h"
#include "kernel/device/sockets.h"
#include "kernel/system/routes.h"

namespace sluice {

Result<Enforcers> enforcers_of(const InstanceDirectory& instance) {
  auto attached = TRY(attachments(instance));
  Enforcers enforcers;
  for (const Attachment& one : attached) {
    if (one.gone || !one.here) continue;
    if (one.component == Component::steer) enforcers.steered.push_back(one.device);
    if (one.component != Component::pace) continue;
    auto ifindex = TRY(device_index(one.device));
    auto root = TRY(root_qdisc(ifindex));
    enforcers.paced.push_back({one.device, root.kind, one.departs});
  }
  enforcers.sockets = sockets_are_attached(instance.directory());
  if (congestion_unsupported().empty()) {
    auto controls = TRY(congestion_list(instance.directory()));
    for (const auto& control : controls)
      if (control.pinned) enforcers.congestion = control.name;
  }
  return enforcers;
}

}  // namespace sluice
