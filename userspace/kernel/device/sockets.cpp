// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/device/sockets.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <mntent.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>

#include "kernel/device/hook.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/fd.h"
#include "kernel/system/system_error.h"

namespace sluice {
namespace {

std::string link_path(const std::string& directory) {
  return directory + "/links/sockets";
}

// Mount point of cgroup2; empty: not mounted.
std::string cgroup_mount() {
  const std::unique_ptr<FILE, int (*)(FILE*)> mounts(setmntent("/proc/self/mounts", "re"),
                                                     endmntent);
  if (!mounts) return {};
  while (const mntent* entry = getmntent(mounts.get()))
    if (strcmp(entry->mnt_type, "cgroup2") == 0) return entry->mnt_dir;
  return {};
}

// A detached mount, visible in no directory and gone with its descriptor. Only for a system without
// one: a further mount would change the options of the existing one (cgroup_get_tree()).
Fd open_unmounted_cgroup() {
  const Fd filesystem(fsopen("cgroup2", FSOPEN_CLOEXEC));
  if (!filesystem.valid() ||
      fsconfig(filesystem.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return {};
  const Fd mount(fsmount(filesystem.get(), FSMOUNT_CLOEXEC, 0));
  if (!mount.valid()) return {};
  return Fd(openat(mount.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

Fd open_cgroup() {
  const std::string mounted = cgroup_mount();
  if (mounted.empty()) return open_unmounted_cgroup();
  return Fd(open(mounted.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace

bool sockets_are_attached(const std::string& directory) {
  return access(link_path(directory).c_str(), F_OK) == 0;
}

Result<void> attach_sockets(const InstanceDirectory& instance) {
  if (sockets_are_attached(instance.directory())) return {};
  const Fd program = TRY(instance.program("sockets"));
  const Fd cgroup = open_cgroup();
  if (!cgroup.valid())
    return failed("the root of the control groups (cgroup2): {}", error_text(errno));
  const Fd link(bpf_link_create(program.get(), cgroup.get(), BPF_CGROUP_SOCK_OPS, nullptr));
  if (!link.valid()) return failed("attaching to the control groups: {}", error_text(errno));
  const std::string path = link_path(instance.directory());
  if (bpf_obj_pin(link.get(), path.c_str()) != 0)
    return failed("{}: pinning it: {}", path, error_text(errno));
  return {};
}

Result<void> swap_sockets(const std::string& directory, int program_fd) {
  if (!sockets_are_attached(directory)) return {};
  TRY(link_swap(link_path(directory), program_fd));
  return {};
}

Result<void> detach_sockets(const std::string& directory) {
  if (!sockets_are_attached(directory)) return {};
  return remove_pin(link_path(directory));
}

}  // namespace sluice
