// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/instance/daemon_lock.h"

#include "kernel/system/bpffs.h"

namespace sluice {

Result<DaemonLock> DaemonLock::take(const std::string& instance) {
  const std::string path = instance_directory(instance) + "/daemon";
  TRY(make_directory(path));
  auto locked = TRY(try_lock_directory(path));
  if (!locked.valid())
    return failed(
        "instance {}: another sluice run manages it already (stop that first, or "
        "name another instance: --instance NAME)",
        instance);
  return DaemonLock(std::move(locked), path);
}

bool DaemonLock::holds() const {
  return is_still(locked_, path_);
}

}  // namespace sluice
