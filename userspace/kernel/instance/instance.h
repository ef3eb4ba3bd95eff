// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The life cycle of an instance in the kernel. Creation builds the directory aside and renames it,
// so an instance exists completely or not at all.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/ports/dataplane.h"
#include "kernel/state/flow_record.h"
#include "kernel/state/instance_directory.h"
#include "support/result.h"

namespace sluice {

// An instance whose maps are open, with its lock if opened by open_locked().
class Instance : public InstanceDirectory {
 public:
  // For reading. Refuses: no such instance, no privilege, bpffs not mounted, another layout.
  static Result<Instance> open(const std::string& name);
  // For changing. Creates the instance if there is none, waits for the lock, and finishes what a
  // killed command began.
  static Result<Instance> open_locked(const std::string& name);
  // False: the instance exists already with the same limits. Refuses other limits.
  static Result<bool> create(const std::string& name, const InstanceLimits& limits);
  // Detaches everything, unregisters the congestion control and removes every pin.
  // False: there was no such instance.
  static Result<bool> remove(const std::string& name);
  static Result<std::vector<std::string>> list();

  Instance(Instance&&) noexcept;
  Instance& operator=(Instance&&) noexcept;
  ~Instance();

  [[nodiscard]] Dataplane dataplane();
  Result<std::vector<FlowRecord>> flows();

 private:
  struct State;
  Instance(InstanceDirectory directory, std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice
