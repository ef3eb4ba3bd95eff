// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The directories of instances in bpffs, and their locks. A lock is flock(2) on the directory
// itself: bpffs holds no regular files, and the kernel releases the lock when its holder dies.
#pragma once

#include <string>
#include <vector>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice {

inline constexpr const char* kBpffsRoot = "/sys/fs/bpf";

[[nodiscard]] std::string instance_directory(const std::string& name);
[[nodiscard]] std::string instance_name(const std::string& directory);
// For an instance whose layout this sluice cannot read: how to move on, in brackets.
[[nodiscard]] std::string restart_advice(const std::string& directory);

// Checks that bpffs is mounted, that the process may use it, and that the kernel has BTF.
Result<void> require_bpffs();

[[nodiscard]] bool directory_exists(const std::string& path);
// Also false if the directory cannot be read.
[[nodiscard]] bool is_pinned(const std::string& directory, const std::string& name);
Result<void> make_directory(const std::string& path);  // success if it exists already
Result<void> rename_path(const std::string& from, const std::string& to);
// Swaps the two names atomically (kernel commit 6429e46304ac).
Result<void> exchange_directories(const std::string& a, const std::string& b);
Result<std::vector<std::string>> list_directory(const std::string& path);  // sorted
Result<void> remove_tree(const std::string& path);  // success if it does not exist
Result<void> remove_pin(const std::string& path);   // success if it does not exist

// Waits until the lock is free. Invalid if the directory does not exist, or was removed or replaced
// during the wait.
Result<Fd> lock_directory(const std::string& path);
// Does not wait. Invalid if another process holds the lock or the directory does not exist.
Result<Fd> try_lock_directory(const std::string& path);
// Whether the locked directory still has this name.
[[nodiscard]] bool is_still(const Fd& locked, const std::string& path);

}  // namespace sluice
