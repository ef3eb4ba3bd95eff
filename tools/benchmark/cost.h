// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The cost of packets for this thread: CPU time and, from hardware counters where the machine has
// them, cycles and instructions. Counters are steadier than time on a shared machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice::benchmark {

// Per packet. NaN: unknown on this machine.
struct Cost {
  double ns = 0;
  double instructions = 0;
  double cycles = 0;
};

// The median of each value separately.
[[nodiscard]] Cost median(const std::vector<Cost>& costs);

// In an emulator's virtual time an instruction takes a nanosecond, so CPU time counts instructions.
enum class Clock : uint8_t { real, virtual_time };

class CostMeter {
 public:
  explicit CostMeter(Clock clock);

  void begin();
  // The cost per packet since begin().
  [[nodiscard]] Cost end(uint64_t packets);

 private:
  struct Reading {
    uint64_t cpu_ns = 0;
    uint64_t cycles = 0;
    uint64_t instructions = 0;
  };
  [[nodiscard]] Reading read() const;

  Clock clock_;
  Fd cycles_;  // group leader
  Fd instructions_;
  Reading began_;
};

struct Figure {
  std::string name;
  uint32_t flows = 0;
  uint32_t services = 0;
  Cost net{};    // median over the trials, less the empty program's cost
  Cost empty{};  // median of the empty program
  uint32_t trials = 0;
  uint64_t packets = 0;   // sent to the program under test during the trials
  uint64_t verified = 0;  // of these, packets that the program's counters confirm on this path

  [[nodiscard]] bool is_verified() const { return verified == packets; }
};

// Many short trials, so that a disturbance spoils one trial only. Each trial continues with the
// flow after the last one, so that together they cover all flows.
struct Effort {
  uint32_t trials = 201;
  uint32_t packets = 1 << 15;  // per trial
  Clock clock = Clock::real;
};

// Measures `subject` against `baseline`, trial by trial, into `figure`. Both have send(packets).
template <typename Traffic>
Result<void> run_trials(CostMeter& meter, const Effort& effort, Traffic& baseline, Traffic& subject,
                        Figure& figure) {
  std::vector<Cost> nets;
  std::vector<Cost> empties;
  for (uint32_t trial = 0; trial < effort.trials; trial++) {
    meter.begin();
    TRY(baseline.send(effort.packets));
    const Cost empty = meter.end(effort.packets);
    meter.begin();
    TRY(subject.send(effort.packets));
    const Cost whole = meter.end(effort.packets);
    empties.push_back(empty);
    nets.push_back({whole.ns - empty.ns, whole.instructions - empty.instructions,
                    whole.cycles - empty.cycles});
  }
  figure.trials = effort.trials;
  figure.net = median(nets);
  figure.empty = median(empties);
  return {};
}

}  // namespace sluice::benchmark
