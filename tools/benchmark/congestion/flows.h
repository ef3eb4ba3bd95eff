// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The flows of a scenario: sockets at both ends of its link, driven by one thread. The sender is
// the server: it accepts, and its listener sets the congestion control.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/congestion/scenario.h"
#include "benchmark/congestion/testbed.h"
#include "kernel/system/fd.h"
#include "linkem/emulator.h"
#include "support/result.h"

namespace sluice::benchmark {

// The addresses of a flow.
struct Ends {
  std::string sender;
  std::string receiver;
};

class Flows {
 public:
  Flows(const Scenario& scenario, const Governed& governed, const std::vector<Ends>& ends);
  ~Flows();

  // Runs the scenario to its end. `link`: the data direction.
  [[nodiscard]] Result<Record> run(const Fd& sender_netns, const Fd& receiver_netns,
                                   linkem::Direction& link);

 private:
  using Clock = std::chrono::steady_clock;
  struct Flow;

  Result<void> choose(const Fd& socket, const std::string& algorithm);
  Result<void> listen(Flow& flow);
  Result<void> begin(Flow& flow, const Fd& receiver_netns);
  Result<void> accept(Flow& flow);
  Result<void> wait_for_events(Clock::time_point tick);
  Result<void> begin_and_end(Clock::time_point now, const Fd& receiver_netns);
  void send(Flow& flow);
  void receive(Flow& flow);
  void end(Flow& flow);
  void sample(Flow& flow);
  void read_state(Flow& flow, Sample& now);
  bool watch(const Fd& socket, uint32_t events, Flow& flow);
  [[nodiscard]] double now_s() const;

  const Scenario& scenario_;
  const Governed& governed_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::vector<char> zeros_;
  Fd poll_;
  Fd states_;  // map congestion_flows of sluice's instance, if it is loaded
  Clock::time_point began_;
};

}  // namespace sluice::benchmark
