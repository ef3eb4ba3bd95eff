// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/instance/instance_ports.h"

#include <net/if.h>

#include "kernel/congestion/control.h"
#include "kernel/device/attach.h"
#include "kernel/device/egress.h"
#include "kernel/system/bpffs.h"

namespace sluice {

bool KernelDevices::exists(const std::string& device) {
  return if_nametoindex(device.c_str()) != 0;
}

Result<std::vector<Attachment>> KernelDevices::attachments() {
  return sluice::attachments(instance_);
}

Result<AttachReport> KernelDevices::attach(Component component, const std::string& device,
                                           const AttachSettings& settings) {
  return sluice::attach(instance_, component, device, settings);
}

Result<DetachReport> KernelDevices::detach(Component component, const std::string& device) {
  return sluice::detach(instance_, component, device);
}

Result<EgressReport> KernelDevices::show_egress(const std::string& device,
                                                const AttachSettings& settings) {
  return fit_egress(instance_.directory(), device, settings, Apply::only_show);
}

Result<void> KernelDevices::restore_egress(const std::string& device, const Egress& before) {
  return sluice::restore_egress(instance_.directory(), device, before);
}

bool KernelCongestion::supported() {
  return congestion_unsupported().empty();
}

Result<std::string> KernelCongestion::loaded() {
  if (!directory_exists(instance_.directory())) return std::string();
  const auto controls = TRY(congestion_list(instance_.directory()));
  for (const auto& control : controls)
    if (control.pinned) return control.name;
  return std::string();
}

Result<void> KernelCongestion::load(const std::string& name) {
  TRY(congestion_load(instance_.directory(), name));
  return {};
}

Result<void> KernelCongestion::unload(const std::string& name) {
  TRY(congestion_unload(instance_.directory(), name));
  return {};
}

Result<Applied> apply_configuration(Instance& instance, const Desired& desired, Apply apply) {
  KernelDevices devices(instance);
  KernelCongestion congestion(instance);
  return apply_configuration({instance.name(), instance.dataplane(), devices, congestion}, desired,
                             apply);
}

Result<Desired> running_configuration(Instance& instance) {
  KernelDevices devices(instance);
  KernelCongestion congestion(instance);
  return running_configuration({instance.name(), instance.dataplane(), devices, congestion});
}

Result<Applied> show_configuration(Dataplane absent, const std::string& instance,
                                   const Desired& desired) {
  const InstanceDirectory directory = InstanceDirectory::of(instance);
  KernelDevices devices(directory);
  KernelCongestion congestion(directory);
  return apply_configuration(ConfigurationPorts{instance, absent, devices, congestion}, desired,
                             Apply::only_show);
}

}  // namespace sluice
