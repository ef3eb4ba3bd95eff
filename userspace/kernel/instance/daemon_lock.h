// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// At most one daemon per instance. The lock is flock(2) on a directory of its own among the
// instance's pins; the kernel releases it when the holder dies. Other commands never take it.
#pragma once

#include <string>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice {

class DaemonLock {
 public:
  // The instance must exist. Refuses if another process holds the lock.
  static Result<DaemonLock> take(const std::string& instance);
  // False: the instance was removed meanwhile; another one may have its name.
  [[nodiscard]] bool holds() const;

 private:
  DaemonLock(Fd locked, std::string path) : locked_(std::move(locked)), path_(std::move(path)) {}

  Fd locked_;
  std::string path_;
};

}  // namespace sluice
