// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One daemon an instance: a lock on a directory of its own among the instance's pins, which the
// kernel lets go of when its holder dies, however that comes. Commands never take it.
#pragma once

#include <string>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice {

class DaemonLock {
 public:
  // Somebody else holds it: an error that says so. The instance is there.
  static Result<DaemonLock> take(const std::string& instance);
  // False: the instance was removed meanwhile, and another one may be in its place.
  [[nodiscard]] bool holds() const;

 private:
  DaemonLock(Fd locked, std::string path) : locked_(std::move(locked)), path_(std::move(path)) {}

  Fd locked_;
  std::string path_;
};

}  // namespace sluice
