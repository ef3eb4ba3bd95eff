// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/probe_paths.h"

#include "kernel/device/attach.h"
#include "kernel/system/routes.h"
#include "sluice/probe.h"

namespace sluice {

namespace {

constexpr uint32_t kRoutesHoldS = 30;

}  // namespace

bool can_be_probed(const HealthCheck& check, const Service& service, const Backend& backend) {
  const bool replies_direct = !replies_come_here(service.mode);
  return check.via == CheckVia::service && check.kind != CheckKind::script && replies_direct &&
         !service.endpoint.is_prefix() &&
         service.endpoint.address.is_v4() == backend.at.address.is_v4() && backend.number != 0 &&
         backend.number <= SLUICE_PROBE_BACKEND;
}

Result<std::set<uint32_t>> ProbePaths::prepare(const std::string& name,
                                               const std::vector<Backend>& backends,
                                               uint32_t now_s) {
  if (now_s - asked_s_ >= kRoutesHoldS) {
    devices_.clear();
    prepared_.clear();
    asked_s_ = now_s;
  }
  std::set<std::string> devices;
  for (const Backend& backend : backends) {
    auto& device = devices_[backend.at.address.text()];
    if (device.empty()) device = device_towards(backend.at.address).value_or(std::string{});
    if (!device.empty()) devices.insert(device);
  }
  std::set<uint32_t> ready;
  if (devices != prepared_ && !devices.empty()) {
    auto instance = TRY(Instance::open_locked(name));
    for (const std::string& device : devices) TRY(attach_probe(instance, device));
    prepared_ = devices;
  }
  for (const Backend& backend : backends) {
    if (!devices_[backend.at.address.text()].empty()) ready.insert(backend.number);
  }
  return ready;
}

}  // namespace sluice
