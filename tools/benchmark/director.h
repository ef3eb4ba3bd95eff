// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A director to measure: an instance of its own with services and backends laid out as the control
// plane lays them out, and its counters, which prove the way that packets took.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernel/state/dataplane.h"
#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice::benchmark {

struct Plan {
  Mode mode = Mode::ipip;
  bool v6 = false;
  uint32_t services = 1;
  uint32_t flows = 0;  // that must fit in the tables of flows
};

enum class Rings : uint8_t {
  settled,
  moving,    // every slot, and what is unknown goes to another backend and is tracked
  hit_only,  // every slot, and what is unknown is dropped
};

struct Tally {
  uint64_t to_backends = 0;  // packets that left encapsulated or translated, out of the device
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
  // What the two tables of tracked flows hold: established ones, and those of which only SYNs were
  // seen.
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
