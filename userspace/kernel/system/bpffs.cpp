// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/system/bpffs.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "kernel/system/system_error.h"

namespace sluice {
namespace {

bool may_manage_bpf() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, sets) != 0) return false;
  const auto has = [&sets](unsigned capability) {
    return (sets[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
  };
  if (!has(CAP_NET_ADMIN)) return false;
  return has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON));
}

}  // namespace

std::string instance_directory(const std::string& name) {
  return std::string(kBpffsRoot) + "/" + name;
}

std::string instance_name(const std::string& directory) {
  return directory.substr(directory.rfind('/') + 1);
}

std::string restart_advice(const std::string& directory) {
  const std::string name = instance_name(directory);
  const std::string option = name == "sluice" ? "" : fmt::format("--instance {} ", name);
  return fmt::format(
      "(keep the sluice that made it, or start anew: with that one sluice {}export > FILE, with "
      "this one sluice instance remove {} and sluice {}apply FILE)",
      option, name, option);
}

Result<void> require_bpffs() {
  if (!may_manage_bpf())
    return failed(
        "not permitted to manage BPF (run it as root, or with CAP_BPF, CAP_NET_ADMIN and "
        "CAP_PERFMON)");
  struct statfs filesystem {};
  if (statfs(kBpffsRoot, &filesystem) != 0 || filesystem.f_type != BPF_FS_MAGIC)
    return failed("{}: bpffs is not mounted there (mount -t bpf bpf {})", kBpffsRoot, kBpffsRoot);
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
    return failed(
        "/sys/kernel/btf/vmlinux: not there, so this kernel does not describe its types and sluice "
        "cannot fit its programs to it (a kernel with CONFIG_DEBUG_INFO_BTF is needed)");
  return {};
}

bool directory_exists(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool is_pinned(const std::string& directory, const std::string& name) {
  struct stat status {};
  return stat((directory + "/" + name).c_str(), &status) == 0;
}

Result<void> make_directory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return failed("{}: making the directory: {}", path, error_text(errno));
}

Result<void> rename_path(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return {};
  return failed("{}: renaming it to {}: {}", from, to, error_text(errno));
}

Result<void> exchange_directories(const std::string& a, const std::string& b) {
  if (renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return {};
  return failed("{}: exchanging it for {}: {}", a, b, error_text(errno));
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (!directory) return failed("{}: {}", path, error_text(errno));
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> remove_pin(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return failed("{}: removing it: {}", path, error_text(errno));
}

Result<void> remove_tree(const std::string& path) {
  if (!directory_exists(path)) return {};
  auto names = TRY(list_directory(path));
  for (const auto& name : names) {
    const std::string below = path + "/" + name;
    TRY(directory_exists(below) ? remove_tree(below) : remove_pin(below));
  }
  if (rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
  return failed("{}: removing it: {}", path, error_text(errno));
}

Result<Fd> lock_directory(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return Fd();
  if (!fd.valid()) return failed("{}: {}", path, error_text(errno));
  int locked = 0;
  do {
    locked = flock(fd.get(), LOCK_EX);
  } while (locked != 0 && errno == EINTR);
  if (locked != 0) return failed("{}: locking it: {}", path, error_text(errno));

  if (!is_still(fd, path)) return Fd();
  return fd;
}

Result<Fd> try_lock_directory(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return Fd();
  if (!fd.valid()) return failed("{}: {}", path, error_text(errno));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
    if (!is_still(fd, path)) return Fd();
    return fd;
  }
  if (errno == EWOULDBLOCK) return Fd();
  return failed("{}: locking it: {}", path, error_text(errno));
}

bool is_still(const Fd& locked, const std::string& path) {
  struct stat held {};
  struct stat now {};
  return fstat(locked.get(), &held) == 0 && stat(path.c_str(), &now) == 0 &&
         held.st_ino == now.st_ino;
}

}  // namespace sluice
