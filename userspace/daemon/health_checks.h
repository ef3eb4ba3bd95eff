// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Health of the backends: joins the checks of the file with the backends in the kernel, has the
// prober check them, and tells which failing marks in the kernel have to change. daemon/daemon.cpp
// writes them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "control/observe.h"
#include "daemon/prober.h"
#include "model/desired.h"

namespace sluice {

// The part of the instance's state that the daemon uses.
struct KernelState {
  std::vector<Service> services;
  std::vector<Backend> backends;
  std::set<uint32_t> probed{};  // backends whose checks travel as clients' packets do

  friend bool operator==(const KernelState&, const KernelState&) = default;
};

class Health {
 public:
  // `changed` is called when the result of marks() may have changed.
  Health(EventLoop& loop, uint64_t seed, std::function<void()> changed,
         std::function<void(const std::string& sentence)> log);

  void set_file(const Desired& desired);
  void set_state(const KernelState& state);
  // Marks to change in the kernel. Empty: all are up to date.
  [[nodiscard]] std::vector<Observation> marks() const;
  // Backends whose checks need a path prepared (daemon/probe_paths.h).
  [[nodiscard]] std::vector<Backend> probed_backends() const;
  [[nodiscard]] const Prober& prober() const { return prober_; }
  // For a backend that left clients unanswered.
  void check_now(const BackendName& name) { prober_.check_now(name); }

 private:
  struct Rule {
    std::shared_ptr<const HealthCheck> check;  // null: none
    AllDown all_down = AllDown::drop;
  };
  struct Member {
    HostPort at;
    MonitoredBackend monitored;
  };
  void watch();

  std::function<void()> changed_;
  std::function<void(const std::string&)> log_;
  std::map<std::string, Rule> rules_;
  KernelState state_;
  Prober prober_;
};

// The destination of a backend's check. If `probed`, a mark tells the program `probe` to send it to
// the service's address there (bpf/probe.bpf.c).
[[nodiscard]] Subject check_subject(const HealthCheck& check, const Service& service,
                                    const Backend& backend, bool probed);

}  // namespace sluice
