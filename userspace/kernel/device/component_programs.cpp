// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/device/component_programs.h"

#include <net/if.h>

#include <algorithm>

#include "kernel/device/hook.h"
#include "kernel/device/qdisc.h"
#include "kernel/device/sockets.h"
#include "kernel/system/map.h"
#include "kernel/system/routes.h"

namespace sluice {

bool is_probe(const std::string& program) {
  return program == "probe_ingress" || program == "probe_egress";
}

bool is_companion(const std::string& program) {
  return program == "punt" || program == "pace_ingress" || is_probe(program);
}

Component component_of(const std::string& program) {
  if (program == "decap") return Component::decap;
  const bool steers = program == "steer" || program == "punt" || is_probe(program);
  return steers ? Component::steer : Component::pace;
}

Result<std::string> main_program(Component component, uint32_t ifindex) {
  switch (component) {
    case Component::steer:
      return "steer";
    case Component::decap:
      return "decap";
    case Component::pace:
      break;
  }
  const RootQdisc root = TRY(root_qdisc(ifindex));
  return root.fq ? "pace_egress_edt" : "pace_egress";
}

bool is_on(const AttachPoint& point, Component component, const std::string& device) {
  return component_of(point.program) == component && point.device == device &&
         point.namespace_id == network_namespace_id();
}

bool is_attached(const InstanceDirectory& instance, Component component,
                 const std::string& device) {
  const auto points = attach_points(instance.links());
  return points && std::any_of(points->begin(), points->end(), [&](const AttachPoint& point) {
           return is_on(point, component, device);
         });
}

Result<void> put_redirect_device(const InstanceDirectory& instance, const std::string& device) {
  auto devices = TRY(Map<uint32_t, uint32_t>::open(instance.directory(), "devices"));
  const uint32_t ifindex = if_nametoindex(device.c_str());
  return ifindex == 0 ? Result<void>{} : devices.put(ifindex, ifindex);
}

Result<void> erase_redirect_device(const InstanceDirectory& instance, const std::string& device) {
  auto devices = TRY(Map<uint32_t, uint32_t>::open(instance.directory(), "devices"));
  // The kernel has removed a device that no longer exists from the map.
  const uint32_t ifindex = if_nametoindex(device.c_str());
  return ifindex == 0 ? Result<void>{} : devices.erase(ifindex);
}

Result<bool> detach_programs(const InstanceDirectory& instance, Component component,
                             const std::string& device) {
  bool any = false;
  const auto points = TRY(attach_points(instance.links()));
  for (const AttachPoint& point : points) {
    if (!is_on(point, component, device)) continue;
    any = true;
    // Before the program is detached: no packet may be redirected to a device without steer.
    if (component == Component::steer) TRY(erase_redirect_device(instance, device));
    TRY(hook_detach(point, instance.links()));
  }
  return any;
}

Result<void> release_sockets(const InstanceDirectory& instance) {
  const auto left = TRY(attach_points(instance.links()));
  const bool needed = std::any_of(left.begin(), left.end(), [](const AttachPoint& point) {
    return point.program == "pace_egress";
  });
  return needed ? Result<void>{} : detach_sockets(instance.directory());
}

}  // namespace sluice
