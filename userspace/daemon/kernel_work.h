// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the daemon does to the instance, one thing after the other beside its loop: each opens it
// under its lock, as a command does, and holds nothing between two.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "control/observe.h"
#include "control/sweep.h"
#include "daemon/event_loop.h"
#include "daemon/health.h"
#include "daemon/probe_paths.h"
#include "kernel/instance/instance.h"
#include "kernel/state/latencies.h"
#include "model/desired.h"

namespace sluice {

// Carries a file out on an instance that is locked; sentences of what it changed.
using ApplyFile =
    std::function<Result<std::vector<std::string>>(const std::string& instance, const Desired&)>;

class KernelWork {
 public:
  template <typename Value>
  using Done = std::function<void(Result<Value>)>;
  using Sentences = std::vector<std::string>;

  KernelWork(EventLoop& loop, std::string instance, ApplyFile apply)
      : worker_(loop), instance_(std::move(instance)), apply_(std::move(apply)) {}

  // And prepares the way of checks of these backends.
  void look(std::vector<Backend> probed_backends, Done<KernelState> done);
  void observe(std::vector<Observation> observations, Done<Sentences> done);
  void settle(Done<std::vector<Settling>> done);
  // Has services measured, and reads what was measured of backends.
  void measure(std::vector<uint32_t> services, std::vector<uint32_t> backends,
               Done<std::map<uint32_t, Latency>> done);
  void apply(Desired desired, Done<Sentences> done);
  void finish() { worker_.finish(); }  // before anything that `done` touches goes

 private:
  template <typename Value>
  void add(std::function<Result<Value>()> work, Done<Value> done);

  Worker worker_;
  ProbePaths paths_;  // the worker's
  std::string instance_;
  ApplyFile apply_;
};

// As the kernel has it now.
Result<KernelState> read_kernel_state(const std::string& instance);

}  // namespace sluice
