// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The daemon's operations on the instance. They run one at a time on the worker's thread. Each
// opens the instance under its lock, as a command does, and keeps nothing open afterwards.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "control/observe.h"
#include "control/settle.h"
#include "daemon/daemon_ports.h"
#include "daemon/event_loop.h"
#include "daemon/health_checks.h"
#include "daemon/probe_paths.h"
#include "kernel/instance/instance.h"
#include "kernel/state/latencies.h"
#include "model/desired.h"

namespace sluice {

class KernelWork {
 public:
  template <typename Value>
  using Done = std::function<void(Result<Value>)>;
  using Sentences = std::vector<std::string>;

  KernelWork(EventLoop& loop, std::string instance, ApplyFile apply)
      : worker_(loop), instance_(std::move(instance)), apply_(std::move(apply)) {}

  // Reads the state, and prepares the paths of these backends' checks.
  void read_state(std::vector<Backend> probed_backends, Done<KernelState> done);
  void observe(std::vector<Observation> observations, Done<Sentences> done);
  void settle(Done<std::vector<Settling>> done);
  // Requests that steer measures these services, and reads the results of these backends.
  void measure(std::vector<uint32_t> services, std::vector<uint32_t> backends,
               Done<std::map<uint32_t, Latency>> done);
  void apply(Desired desired, Done<Sentences> done);
  void finish() { worker_.finish(); }  // call before what `done` refers to is destroyed

 private:
  template <typename Value>
  void add(std::function<Result<Value>()> work, Done<Value> done);

  Worker worker_;
  ProbePaths paths_;  // used on the worker's thread only
  std::string instance_;
  ApplyFile apply_;
};

Result<KernelState> read_kernel_state(const std::string& instance);

}  // namespace sluice
