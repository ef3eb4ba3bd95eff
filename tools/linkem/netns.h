// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A thread's temporary stay in another network namespace. Descriptors opened there work from any
// namespace.
#pragma once

#include <string>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice::linkem {

class NamespaceVisit {
 public:
  static Result<NamespaceVisit> enter(const Fd& netns);
  // A namespace made by "ip netns add".
  static Result<NamespaceVisit> enter(const std::string& netns);

  NamespaceVisit(NamespaceVisit&&) = default;
  NamespaceVisit& operator=(NamespaceVisit&&) = delete;
  NamespaceVisit(const NamespaceVisit&) = delete;
  NamespaceVisit& operator=(const NamespaceVisit&) = delete;
  // Returns to the former namespace. A failure ends the process, because every later device name
  // would mean another device.
  ~NamespaceVisit();

 private:
  explicit NamespaceVisit(Fd home) : home_(std::move(home)) {}
  Fd home_;
};

// An unnamed namespace, which exists as long as this descriptor or a socket in it.
[[nodiscard]] Result<Fd> make_netns();

}  // namespace sluice::linkem
