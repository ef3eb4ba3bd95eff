// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A director under test: an instance with services and backends as the control plane writes them,
// and its counters, which verify the path of packets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernel/state/kernel_dataplane.h"
#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice::benchmark {

struct Plan {
  Mode mode = Mode::ipip;
  bool v6 = false;
  uint32_t services = 1;
  uint32_t flows = 0;  // capacity of the flow tables
};

enum class Rings : uint8_t {
  settled,
  moving,    // all slots move; untracked flows go to another backend and are tracked
  hit_only,  // all slots move without a previous backend; untracked flows are dropped
};

struct Tally {
  uint64_t to_backends = 0;  // packets sent to backends, encapsulated or translated
  uint64_t connections = 0;
  uint64_t not_ours = 0;
  uint64_t otherwise = 0;  // any other verdict: dropped, punted, malformed

  friend Tally operator-(const Tally& a, const Tally& b);
};

class Director {
 public:
  static Result<std::unique_ptr<Director>> make(const Plan& plan);
  ~Director();
  Director(const Director&) = delete;
  Director& operator=(const Director&) = delete;

  [[nodiscard]] int program() const { return program_.get(); }
  Result<void> set_rings(Rings rings);
  Result<Tally> tally();
  // The established and the half-open flows.
  Result<std::vector<TrackedFlow>> tracked();

 private:
  explicit Director(const Plan& plan);
  Result<void> load();
  Result<void> write_services();
  Result<void> write_ring(uint32_t service, Rings rings);

  Plan plan_;
  uint32_t backends_each_;
  std::string directory_;
  std::unique_ptr<KernelDataplane> dataplane_;
  RingStore rings_;
  Fd program_;
};

}  // namespace sluice::benchmark
