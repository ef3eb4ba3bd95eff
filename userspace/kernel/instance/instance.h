// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An instance in the kernel: its directory of pins in bpffs, its lock, its maps and programs.
// Opening finds what is pinned; creating builds everything aside and renames it into place, so that
// an instance is there whole or not at all.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/dataplane.h"
#include "sluice/congestion.h"
#include "sluice/flow.h"
#include "sluice/instance.h"
#include "sluice/limits.h"
#include "sluice/pace.h"
#include "support/result.h"

namespace sluice {

struct InstanceLimits {
  uint32_t services = SLUICE_SERVICES_DEFAULT;
  uint32_t backends = SLUICE_BACKENDS_DEFAULT;
  uint32_t flows = SLUICE_FLOWS_DEFAULT;
};

// A flow that was given departure times within the last while.
struct Departures {
  uint32_t service = 0;
  uint64_t bytes = 0;       // since it has its place in the table
  uint64_t departs_ns = 0;  // CLOCK_MONOTONIC: when its next packet may leave
  uint32_t weight = 0;      // among those that share a rate; 0: it shares none
};

// What is tracked of one flow, by whichever part remembers it; a flow may be in several.
struct FlowRecord {
  sluice_flow flow{};  // as its client's packets carry it
  std::optional<sluice_tracked_flow> tracked;
  bool half_open = false;
  std::optional<sluice_translation> translation;  // the direction to the backend
  std::optional<Departures> departures;
  std::optional<sluice_paced_flow> paced;
  std::optional<sluice_congestion_flow> congestion;
};

class Instance {
 public:
  // For reading. No such instance, no privilege, bpffs not mounted, another version: an error.
  static Result<Instance> open(const std::string& name);
  // For changing: creates the instance when there is none, takes the lock (waits for whoever holds
  // it), and finishes what a killed command began.
  static Result<Instance> open_locked(const std::string& name);
  // Makes one of these limits. False: it is there already, of the same.
  static Result<bool> create(const std::string& name, const InstanceLimits& limits);
  // Detaches everything, unregisters the congestion control and removes every pin.
  // False: there was no such instance.
  static Result<bool> remove(const std::string& name);
  static Result<std::vector<std::string>> list();

  Instance(Instance&&) noexcept;
  Instance& operator=(Instance&&) noexcept;
  ~Instance();

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] const std::string& directory() const;  // /sys/fs/bpf/NAME
  [[nodiscard]] Dataplane& dataplane();
  // A pinned program: "steer", "decap", "punt", "pace_egress" ...
  // The caller owns the descriptor.
  [[nodiscard]] Result<int> program_fd(const std::string& program) const;
  Result<std::vector<FlowRecord>> flows();

 private:
  struct State;
  explicit Instance(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice
