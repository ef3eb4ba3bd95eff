// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The ports of control/apply_configuration.h, bound to one instance.
#pragma once

#include <string>
#include <vector>

#include "control/apply_configuration.h"
#include "kernel/instance/instance.h"
#include "kernel/state/instance_directory.h"

namespace sluice {

class KernelDevices final : public DevicePort {
 public:
  explicit KernelDevices(InstanceDirectory instance) : instance_(std::move(instance)) {}

  [[nodiscard]] bool exists(const std::string& device) override;
  Result<std::vector<Attachment>> attachments() override;
  Result<AttachReport> attach(Component component, const std::string& device,
                              const AttachSettings& settings) override;
  Result<DetachReport> detach(Component component, const std::string& device) override;
  Result<EgressReport> show_egress(const std::string& device,
                                   const AttachSettings& settings) override;
  Result<void> restore_egress(const std::string& device, const Egress& before) override;

 private:
  InstanceDirectory instance_;
};

class KernelCongestion final : public CongestionPort {
 public:
  explicit KernelCongestion(InstanceDirectory instance) : instance_(std::move(instance)) {}

  [[nodiscard]] bool supported() override;
  Result<std::string> loaded() override;
  Result<void> load(const std::string& name) override;
  Result<void> unload(const std::string& name) override;

 private:
  InstanceDirectory instance_;
};

// The functions of control/apply_configuration.h for an instance.
Result<Applied> apply_configuration(Instance& instance, const Desired& desired, Apply apply);
Result<Desired> running_configuration(Instance& instance);
// A dry run for an instance that does not exist; `absent` stands for its state.
Result<Applied> show_configuration(Dataplane absent, const std::string& instance,
                                   const Desired& desired);

}  // namespace sluice
