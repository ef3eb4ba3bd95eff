// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/instance/instance.h"

#include <bpf/bpf.h>
#include <sys/random.h>

#include <cstring>

#include "control/recover.h"
#include "kernel/congestion/control.h"
#include "kernel/device/attach.h"
#include "kernel/instance/objects.h"
#include "kernel/instance/upgrade.h"
#include "kernel/state/dataplane.h"
#include "kernel/system/bpffs.h"
#include "sluice/limits.h"

namespace sluice {
namespace {

// Where a new instance is built before it is renamed into place. No instance can have this name.
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
  // As it stands in the first six bytes of memory: a unicast address, locally administered.
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
  auto plane = TRY(KernelDataplane::open(directory));
  return plane->swap_service_table({});
}

// Makes the instance unless somebody else was faster.
Result<void> create_if_absent(const std::string& name, const InstanceLimits& limits) {
  TRY(lock_directory(kBpffsRoot));
  if (directory_exists(instance_directory(name))) return {};
  const auto directory = building_directory(name);
  auto built = build(directory, limits);
  if (built) built = rename_path(directory, instance_directory(name));
  if (!built) {
    // The first error is the one to tell; what could not be swept now is swept by the next try.
    if (auto swept = remove_tree(directory); !swept) return built;
  }
  return built;
}

// Whatever name it has.
Result<void> unload_congestion(const std::string& directory) {
  auto controls = TRY(congestion_list(directory));
  for (const auto& control : controls) {
    if (!control.pinned) continue;
    TRY(congestion_unload(directory, control.name));
  }
  return {};
}

}  // namespace

struct Instance::State {
  std::string name;
  std::string directory;
  Fd lock;
  std::unique_ptr<KernelDataplane> dataplane;
};

Instance::Instance(std::unique_ptr<State> state) : state_(std::move(state)) {}
Instance::Instance(Instance&&) noexcept = default;
Instance& Instance::operator=(Instance&&) noexcept = default;
Instance::~Instance() = default;

Result<Instance> Instance::open(const std::string& name) {
  TRY(require_bpffs());
  auto state = std::make_unique<State>();
  state->name = name;
  state->directory = instance_directory(name);
  if (!directory_exists(state->directory)) return tl::unexpected(no_such_instance(name));
  auto plane = TRY(KernelDataplane::open(state->directory));
  state->dataplane = std::move(plane);
  return Instance(std::move(state));
}

Result<Instance> Instance::open_locked(const std::string& name) {
  TRY(require_bpffs());
  auto state = std::make_unique<State>();
  state->name = name;
  state->directory = instance_directory(name);
  // Empty when it is not there, or went away while we waited: then it is made anew.
  while (!state->lock.valid()) {
    if (auto created = create_if_absent(name, {}); !created) return tl::unexpected(created.error());
    auto lock = TRY(lock_directory(state->directory));
    state->lock = std::move(lock);
  }
  TRY(finish_upgrade(state->directory));
  auto plane = TRY(KernelDataplane::open(state->directory));
  state->dataplane = std::move(plane);
  TRY(recover(*state->dataplane));
  return Instance(std::move(state));
}

Result<bool> Instance::create(const std::string& name, const InstanceLimits& limits) {
  TRY(require_bpffs());
  const bool existed = directory_exists(instance_directory(name));
  TRY(create_if_absent(name, limits));
  auto plane = TRY(KernelDataplane::open(instance_directory(name)));
  // Also when somebody else was faster.
  const Capacities has = plane->capacities();
  if (has.services != limits.services || has.backends != limits.backends ||
      has.flows != limits.flows)
    return misused(
        "instance {}: is there already, for {} services, {} backends and {} flows, which cannot be "
        "changed (take it away first: sluice instance remove {})",
        name, has.services, has.backends, has.flows, name);
  return !existed;
}

Result<bool> Instance::remove(const std::string& name) {
  TRY(require_bpffs());
  const auto directory = instance_directory(name);
  TRY(lock_directory(kBpffsRoot));
  auto lock = TRY(lock_directory(directory));
  if (!lock.valid()) return false;
  // Whatever version it is of: only names of pins are needed here.
  TRY(detach_everything(directory));
  TRY(unload_congestion(directory));
  TRY(remove_tree(directory));
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

const std::string& Instance::name() const {
  return state_->name;
}
const std::string& Instance::directory() const {
  return state_->directory;
}
Dataplane& Instance::dataplane() {
  return *state_->dataplane;
}

Result<int> Instance::program_fd(const std::string& program) const {
  const std::string path = state_->directory + "/programs/" + program;
  const int fd = bpf_obj_get(path.c_str());
  if (fd < 0) return failed("{}: {}", path, error_text(errno));
  return fd;
}

Result<std::vector<FlowRecord>> Instance::flows() {
  return state_->dataplane->flows();
}

}  // namespace sluice
