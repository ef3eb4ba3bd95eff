// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A thread's visit to another network namespace: what it makes or looks at there is that
// namespace's, and the descriptors it takes home work from anywhere.
#pragma once

#include <string>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice::linkem {

class NamespaceVisit {
 public:
  static Result<NamespaceVisit> enter(const Fd& netns);
  // One that "ip netns add" made.
  static Result<NamespaceVisit> enter(const std::string& netns);

  NamespaceVisit(NamespaceVisit&&) = default;
  NamespaceVisit& operator=(NamespaceVisit&&) = delete;
  NamespaceVisit(const NamespaceVisit&) = delete;
  NamespaceVisit& operator=(const NamespaceVisit&) = delete;
  // Staying would make every later name mean another device, so a failure to leave ends the
  // process.
  ~NamespaceVisit();

 private:
  explicit NamespaceVisit(Fd home) : home_(std::move(home)) {}
  Fd home_;
};

// A namespace without a name, which lives as long as this descriptor, a device or a socket in it.
[[nodiscard]] Result<Fd> make_netns();

}  // namespace sluice::linkem
