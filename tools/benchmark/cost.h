// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What packets cost this thread: CPU time, and from the processor's own counters, where the machine
// (many a virtual one) lets us have them, cycles and instructions, which are far steadier than time
// where others work too.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/system/fd.h"

namespace sluice::benchmark {

// Not a number where the machine does not say.
struct Cost {
  double ns = 0;
  double instructions = 0;
  double cycles = 0;
};

// Of each figure by itself.
[[nodiscard]] Cost median(const std::vector<Cost>& costs);

// In an emulator's virtual time an instruction is a nanosecond, and CPU time counts instructions.
enum class Clock : uint8_t { real, virtual_time };

class CostMeter {
 public:
  explicit CostMeter(Clock clock);

  void begin();
  // Of each of so many packets since begin().
  [[nodiscard]] Cost end(uint64_t packets);

 private:
  struct Reading {
    uint64_t cpu_ns = 0;
    uint64_t cycles = 0;
    uint64_t instructions = 0;
  };
  [[nodiscard]] Reading read() const;

  Clock clock_;
  Fd cycles_;  // leads the group
  Fd instructions_;
  Reading began_;
};

}  // namespace sluice::benchmark
