// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Measures the cost of a packet to a client in `pace`: each case against an empty tc program, trial
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

enum class PacePath : uint8_t {
  empty,        // a second empty program: the error of the figures
  not_ours,     // packets of no service
  no_policy,    // a service without a policy
  flow_rate,    // each flow has a rate
  shared_rate,  // all flows share one
};

struct PaceCase {
  std::string_view name;
  PacePath path;
  bool v6;
};

inline constexpr std::array<PaceCase, 7> kPaceCases{{
    {"tc-empty", PacePath::empty, false},
    {"not-ours", PacePath::not_ours, false},
    {"no-policy", PacePath::no_policy, false},
    {"flow-rate-v4", PacePath::flow_rate, false},
    {"flow-rate-v6", PacePath::flow_rate, true},
    {"rate-v4", PacePath::shared_rate, false},
    {"rate-v6", PacePath::shared_rate, true},
}};

// Sends packets to one program.
class PacedTraffic {
 public:
  static Result<PacedTraffic> load();

  [[nodiscard]] int empty_program() const;
  Result<void> aim_at(int program);
  // The next packet belongs to the first of `flows` flows.
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
  static Result<PaceCostBench> open(uint32_t most_flows, const Effort& effort);
  Result<std::vector<Figure>> measure(const PaceCase& one, const std::vector<uint32_t>& flows);

 private:
  PaceCostBench(PacedTraffic baseline, PacedTraffic subject, Server server, const Effort& effort)
      : baseline_(std::move(baseline)),
        subject_(std::move(subject)),
        server_(std::move(server)),
        meter_(effort.clock),
        effort_(effort) {}

  PacedTraffic baseline_;
  PacedTraffic subject_;
  Server server_;
  CostMeter meter_;
  Effort effort_;
};

}  // namespace sluice::benchmark
