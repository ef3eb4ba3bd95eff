#include "kernel/device/enforcers.h"

#include "kernel/congestion/control.h"
#include "kernel/device/attach.h"
#include "kernel/device/qdisc.h"
#include "kernel/device/sockets.h"
#include "kernel/system/routes.h"

namespace sluice {

Result<Enforcers> enforcers_of(Instance& instance) {
  auto attached = attachments(instance);
  if (!attached) return tl::unexpected(attached.error());
  Enforcers enforcers;
  for (const Attachment& one : *attached) {
    if (one.gone || !one.here) continue;
    if (one.part == Component::steer) enforcers.steered.push_back(one.device);
    if (one.part != Component::pace) continue;
    auto ifindex = device_index(one.device);
    if (!ifindex) return tl::unexpected(ifindex.error());
    auto root = root_qdisc(*ifindex);
    if (!root) return tl::unexpected(root.error());
    enforcers.paced.push_back({one.device, root->kind, one.departs});
  }
  enforcers.sockets = sockets_are_attached(instance.directory());
  if (congestion_unsupported().empty()) {
    auto controls = congestion_list(instance.directory());
    if (!controls) return tl::unexpected(controls.error());
    for (const auto& control : *controls)
      if (control.pinned) enforcers.congestion = control.name;
  }
  return enforcers;
}

}  // namespace sluice
