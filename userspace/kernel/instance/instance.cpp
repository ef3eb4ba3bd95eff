// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/instance/instance.h"

#include <sys/random.h>

#include <cstring>

#include "control/recover.h"
#include "kernel/congestion/control.h"
#include "kernel/device/attach.h"
#include "kernel/instance/upgrade.h"
#include "kernel/state/kernel_dataplane.h"
#include "kernel/state/objects.h"
#include "kernel/system/bpffs.h"
#include "sluice/limits.h"

namespace sluice {
namespace {

// Where a new instance is built before it is renamed. No instance can have this name.
std::string building_directory(const std::string& name) {
  return instance_directory("+" + name);
}

Error no_such_instance(const std::string& name) {
  return Error{
      ErrorKind::failed,
      fmt::format("instance {}: there is none yet (`sluice attach` or `sluice service add` "
                  "makes it)",
                  name)};
}

Result<sluice_instance> new_root() {
  sluice_instance root{};
  root.schema = SLUICE_SCHEMA_VERSION;
  if (getrandom(&root.seed, sizeof(root.seed), 0) != sizeof(root.seed) ||
      getrandom(&root.punt_mac, sizeof(root.punt_mac), 0) != sizeof(root.punt_mac))
    return failed("random seed: {}", error_text(errno));
  // The address is the first six bytes in memory: unicast, locally administered.
  uint8_t mac[8];
  memcpy(mac, &root.punt_mac, sizeof(mac));
  mac[0] = static_cast<uint8_t>((mac[0] & 0xfcu) | 0x02u);
  mac[6] = mac[7] = 0;
  memcpy(&root.punt_mac, mac, sizeof(mac));
  return root;
}

Result<void> build(const std::string& directory, const InstanceLimits& limits) {
  TRY(remove_tree(directory));
  TRY(make_directory(directory));
  auto root = TRY(new_root());
  TRY(load_objects(directory, limits, root));
  TRY(make_directory(directory + "/links"));
  auto instance = TRY(Map<uint32_t, sluice_instance>::open(directory, "instance"));
  TRY(instance.put(0, root));
  const auto plane = TRY(KernelDataplane::open(directory));
  return plane->packet_path.swap_service_table({});
}

// The lock on the root serializes concurrent creations.
Result<void> create_if_absent(const std::string& name, const InstanceLimits& limits) {
  const Fd root_lock = TRY(lock_directory(kBpffsRoot));
  if (directory_exists(instance_directory(name))) return {};
  const auto directory = building_directory(name);
  auto built = build(directory, limits);
  if (built) built = rename_path(directory, instance_directory(name));
  if (!built) {
    // Only the first error is reported. The next attempt removes what is left.
    (void)remove_tree(directory);
  }
  return built;
}

Result<void> unload_congestion(const std::string& directory) {
  const auto controls = TRY(congestion_list(directory));
  for (const auto& control : controls)
    if (control.pinned) TRY(congestion_unload(directory, control.name));
  return {};
}

}  // namespace

struct Instance::State {
  Fd lock;
  std::unique_ptr<KernelDataplane> dataplane;
};

Instance::Instance(InstanceDirectory directory, std::unique_ptr<State> state)
    : InstanceDirectory(std::move(directory)), state_(std::move(state)) {}
Instance::Instance(Instance&&) noexcept = default;
Instance& Instance::operator=(Instance&&) noexcept = default;
Instance::~Instance() = default;

Result<Instance> Instance::open(const std::string& name) {
  TRY(require_bpffs());
  const InstanceDirectory at = InstanceDirectory::of(name);
  if (!directory_exists(at.directory())) return tl::unexpected(no_such_instance(name));
  auto state = std::make_unique<State>();
  state->dataplane = TRY(KernelDataplane::open(at.directory()));
  return Instance(at, std::move(state));
}

Result<Instance> Instance::open_locked(const std::string& name) {
  TRY(require_bpffs());
  const InstanceDirectory at = InstanceDirectory::of(name);
  auto state = std::make_unique<State>();
  // The lock is invalid if the directory was removed during the wait; then create it again.
  while (!state->lock.valid()) {
    TRY(create_if_absent(name, {}));
    state->lock = TRY(lock_directory(at.directory()));
  }
  TRY(finish_upgrade(at));
  state->dataplane = TRY(KernelDataplane::open(at.directory()));
  TRY(recover(*state->dataplane));
  return Instance(at, std::move(state));
}

Result<bool> Instance::create(const std::string& name, const InstanceLimits& limits) {
  TRY(require_bpffs());
  const bool existed = directory_exists(instance_directory(name));
  TRY(create_if_absent(name, limits));
  const auto plane = TRY(KernelDataplane::open(instance_directory(name)));
  // Checked also if it did not exist before: another process may have created it since.
  const Capacities has = plane->configuration.capacities();
  if (has.services != limits.services || has.backends != limits.backends ||
      has.flows != limits.flows)
    return misused(
        "instance {}: exists already, for {} services, {} backends and {} flows, which cannot be "
        "changed (remove it first: sluice instance remove {})",
        name, has.services, has.backends, has.flows, name);
  return !existed;
}

Result<bool> Instance::remove(const std::string& name) {
  TRY(require_bpffs());
  const InstanceDirectory at = InstanceDirectory::of(name);
  const Fd root_lock = TRY(lock_directory(kBpffsRoot));
  const Fd lock = TRY(lock_directory(at.directory()));
  if (!lock.valid()) return false;
  // Works for an instance of any version: only names of pins are read.
  TRY(detach_everything(at));
  TRY(unload_congestion(at.directory()));
  TRY(remove_tree(at.directory()));
  return true;
}

Result<std::vector<std::string>> Instance::list() {
  TRY(require_bpffs());
  auto names = TRY(list_directory(kBpffsRoot));
  std::vector<std::string> instances;
  for (const auto& name : names)
    if (parse_instance_name(name) && directory_exists(instance_directory(name) + "/programs"))
      instances.push_back(name);
  return instances;
}

Dataplane Instance::dataplane() {
  return *state_->dataplane;
}

Result<std::vector<FlowRecord>> Instance::flows() {
  return state_->dataplane->packet_path.flows();
}

}  // namespace sluice
