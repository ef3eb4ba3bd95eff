// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Adaptive weights (model/adaptation.h): which services have them, what steer measures of their
// backends, and which weights in the kernel have to change. As with daemon/health_checks.h,
// daemon/daemon.cpp writes them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "control/observe.h"
#include "daemon/health_checks.h"
#include "kernel/state/latencies.h"
#include "model/adaptation.h"
#include "model/desired.h"

namespace sluice {

struct Advice {
  BackendName name;
  double response_us = 0;  // smoothed; 0: not known
  double part = 1;         // of its weight: the factor in force, or with `advise` the advised one
};

class AdaptiveWeights {
 public:
  explicit AdaptiveWeights(std::function<void(const std::string& sentence)> log)
      : log_(std::move(log)) {}

  void set_file(const Desired& desired);
  void set_state(const KernelState& state);

  // Numbers of the services and backends to measure.
  [[nodiscard]] std::vector<uint32_t> services() const;
  [[nodiscard]] std::vector<uint32_t> backends() const;
  // Takes the counters of all backends. Returns the backends that left every client of this period
  // unanswered.
  std::vector<BackendName> measured(const std::map<uint32_t, Latency>& so_far, uint64_t now_ms);

  // Weights to change in the kernel. Empty: all are up to date.
  [[nodiscard]] std::vector<Observation> settings() const;
  [[nodiscard]] std::vector<Advice> advice() const;

 private:
  struct Member {
    uint32_t number = 0;
    HostPort at;
    uint32_t weight = 0;    // 0: takes no new connections
    uint16_t permille = 0;  // in the kernel
    uint16_t wanted = 0;    // as adapted
    std::string name{};     // text of `at`
  };
  struct Adapting {
    Weights weights = Weights::advise;
    uint32_t number = 0;  // 0: the kernel does not have the service
    std::vector<Member> members{};
    Adaptation adaptation{};
  };
  void step(const std::string& service, Adapting& adapting,
            const std::map<uint32_t, Latency>& gathered, double period_s);

  std::function<void(const std::string&)> log_;
  std::map<std::string, Adapting> adapting_;
  std::vector<Observation> leftovers_;  // resets for services that no longer adapt
  KernelState state_;
  std::map<uint32_t, Latency> before_;
  std::map<uint32_t, Latency> gathered_;  // since the last step
  uint64_t stepped_ms_ = 0;
};

}  // namespace sluice
