// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Measures what a packet to a client costs in `pace`: each case against an empty tc program, trial
// by trial, with the packets of paced_rounds.bpf.c.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "benchmark/cost.h"
#include "benchmark/pace/server.h"

struct paced_rounds_bpf;

namespace sluice::benchmark {

enum class PaceWay : uint8_t {
  nothing,   // an empty program once more: how far the figures can be trusted
  stranger,  // no service's
  free,      // a service's that has no policy
  flow,      // each flow has a rate
  shared,    // all flows share one
};

struct PaceCase {
  std::string_view name;
  PaceWay way;
  bool v6;
};

inline constexpr std::array<PaceCase, 7> kPaceCases{{
    {"tc-empty", PaceWay::nothing, false},
    {"not-ours", PaceWay::stranger, false},
    {"no-policy", PaceWay::free, false},
    {"flow-rate-v4", PaceWay::flow, false},
    {"flow-rate-v6", PaceWay::flow, true},
    {"rate-v4", PaceWay::shared, false},
    {"rate-v6", PaceWay::shared, true},
}};

struct PaceFigure {
  std::string name;
  uint32_t flows = 0;
  Cost net{};    // median over the trials of what is above the empty program
  Cost empty{};  // median of the empty program's round itself
  uint32_t trials = 0;
  uint64_t packets = 0;   // sent at the program under test while measuring
  uint64_t verified = 0;  // of them, those that its counters prove took the way
};

struct PaceEffort {
  uint32_t trials = 201;
  uint32_t packets = 1 << 15;  // of a trial
  Clock clock = Clock::real;
};

// Rounds of one program.
class PacedTraffic {
 public:
  static Result<PacedTraffic> load();

  [[nodiscard]] int empty_program() const;
  Result<void> aim_at(int program);
  // From the first of so many flows on.
  void prepare(const Endpoint& from, uint32_t flows);
  Result<void> send(uint32_t packets);
  // Packets that reached the program under test since prepare().
  [[nodiscard]] uint64_t sent() const;

 private:
  std::shared_ptr<paced_rounds_bpf> skeleton_;
  std::vector<uint8_t> frame_;
  bool v6_ = false;
};

class PaceCostBench {
 public:
  static Result<PaceCostBench> open(uint32_t most_flows, const PaceEffort& effort);
  Result<std::vector<PaceFigure>> measure(const PaceCase& one, const std::vector<uint32_t>& flows);

 private:
  PaceCostBench(PacedTraffic baseline, PacedTraffic subject, Server server,
                const PaceEffort& effort)
      : baseline_(std::move(baseline)),
        subject_(std::move(subject)),
        server_(std::move(server)),
        meter_(effort.clock),
        effort_(effort) {}

  Result<void> run_trials(PaceFigure& figure);

  PacedTraffic baseline_;
  PacedTraffic subject_;
  Server server_;
  CostMeter meter_;
  PaceEffort effort_;
};

}  // namespace sluice::benchmark
