// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The directories of instances in bpffs, and their locks. A lock is flock(2) on the directory
// itself: bpffs holds no files, and the kernel lets go of it when its holder dies.
#pragma once

#include <string>
#include <vector>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice {

inline constexpr const char* kBpffsRoot = "/sys/fs/bpf";

[[nodiscard]] std::string instance_directory(const std::string& name);

// Mounted, permitted, and a kernel that describes its own types (BTF)?
Result<void> require_bpffs();

[[nodiscard]] bool directory_exists(const std::string& path);
// Also false where nothing can be seen of the directory.
[[nodiscard]] bool is_pinned(const std::string& directory, const std::string& name);
Result<void> make_directory(const std::string& path);  // success when it is there already
Result<void> rename_path(const std::string& from, const std::string& to);
// Each gets the name of the other, at once (kernel commit 6429e46304ac).
Result<void> exchange_directories(const std::string& a, const std::string& b);
Result<std::vector<std::string>> list_directory(const std::string& path);  // sorted
// With everything below it; success when it is not there.
Result<void> remove_tree(const std::string& path);
Result<void> remove_pin(const std::string& path);  // success when it is not there

// Waits for whoever holds it. Empty (invalid) when the directory is not there, or was removed or
// replaced while we waited.
Result<Fd> lock_directory(const std::string& path);
// Does not wait. Empty (invalid): somebody else holds it, or it is not there.
Result<Fd> try_lock_directory(const std::string& path);
// Is the directory that is locked there still the one that has this name?
[[nodiscard]] bool is_still(const Fd& locked, const std::string& path);

}  // namespace sluice
