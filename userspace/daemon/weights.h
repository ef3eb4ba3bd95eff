// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Weights that adapt (model/adaptation.h): for which services, from what steer measures of their
// backends, and what the kernel should be told of it. Does not write it itself, as daemon/health.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "control/observe.h"
#include "daemon/health.h"
#include "kernel/state/latencies.h"
#include "model/adaptation.h"
#include "model/desired.h"

namespace sluice {

struct Advice {
  BackendName name;
  double response_us = 0;  // smoothed; 0: not known
  double part = 1;         // of its weight, that it has or, where that is only advised, would have
};

class AdaptiveWeights {
 public:
  explicit AdaptiveWeights(std::function<void(const std::string& words)> say)
      : say_(std::move(say)) {}

  void set_file(const Desired& desired);
  void set_state(const KernelState& state);

  // Whom to measure: services and backends, by number.
  [[nodiscard]] std::vector<uint32_t> services() const;
  [[nodiscard]] std::vector<uint32_t> backends() const;
  // What was counted so far, at this time. Who was asked in vain since the last look.
  std::vector<BackendName> measured(const std::map<uint32_t, Latency>& so_far, uint64_t now_ms);

  // What the kernel should be told. Empty: it has it all.
  [[nodiscard]] std::vector<Observation> settings() const;
  [[nodiscard]] std::vector<Advice> advice() const;

 private:
  struct Member {
    uint32_t number = 0;
    HostPort at;
    uint32_t weight = 0;    // 0: it takes nothing
    uint16_t permille = 0;  // as the kernel has it
    uint16_t wanted = 0;    // as it should be
    std::string name{};     // its text
  };
  struct Adapting {
    Weights weights = Weights::advise;
    uint32_t number = 0;  // 0: not there
    std::vector<Member> members{};
    Adaptation adaptation{};
  };
  void step(const std::string& service, Adapting& adapting,
            const std::map<uint32_t, Latency>& gathered, double period_s);

  std::function<void(const std::string&)> say_;
  std::map<std::string, Adapting> adapting_;
  std::vector<Observation> leftovers_;  // of services that adapt no longer
  KernelState state_;
  std::map<uint32_t, Latency> before_;
  std::map<uint32_t, Latency> gathered_;  // since the last step
  uint64_t stepped_ms_ = 0;
};

}  // namespace sluice
