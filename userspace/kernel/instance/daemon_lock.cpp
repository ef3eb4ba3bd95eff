#include "kernel/instance/daemon_lock.h"

#include "kernel/system/bpffs.h"

namespace sluice {

Result<DaemonLock> DaemonLock::take(const std::string& instance) {
  const std::string path = instance_directory(instance) + "/daemon";
  if (auto made = make_directory(path); !made) return tl::unexpected(made.error());
  auto locked = try_lock_directory(path);
  if (!locked) return tl::unexpected(locked.error());
  if (!locked->valid())
    return failed(
        "instance {}: another sluice run looks after it already (one is enough; stop it first, or "
        "name another instance: --instance NAME)",
        instance);
  return DaemonLock(std::move(*locked), path);
}

bool DaemonLock::holds() const {
  return is_still(locked_, path_);
}

}  // namespace sluice
