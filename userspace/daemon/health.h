// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who is well: joins what the file says of checks with the backends that the kernel has, lets the
// prober ask them, and says which marks in the kernel are to change. Does not write them itself
// (daemon/daemon.cpp does, beside the loop).
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

// What the kernel has, as far as the daemon looks at it.
struct KernelState {
  std::vector<Service> services;
  std::vector<Backend> backends;
  std::set<uint32_t> probed{};  // numbers of backends whose checks travel as clients' packets do

  friend bool operator==(const KernelState&, const KernelState&) = default;
};

class Health {
 public:
  // `changed`: marks() may have something new to say.
  Health(EventLoop& loop, uint64_t seed, std::function<void()> changed,
         std::function<void(const std::string& words)> say);

  void set_file(const Desired& desired);
  void set_state(const KernelState& state);
  // What the kernel should be told. Empty: it has it all.
  [[nodiscard]] std::vector<Observation> marks() const;
  // Backends for whose checks the kernel is to be prepared (daemon/probe_paths.h).
  [[nodiscard]] std::vector<Backend> probed_backends() const;
  [[nodiscard]] const Prober& prober() const { return prober_; }
  // Clients were not answered there: its next check comes now.
  void hurry(const BackendName& name) { prober_.hurry(name); }

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
  std::function<void(const std::string&)> say_;
  std::map<std::string, Rule> rules_;
  KernelState state_;
  Prober prober_;
};

// Where a check of this backend goes: `probed`, to the service's own address there, by a mark that
// says so (bpf/probe.bpf.c).
[[nodiscard]] Subject check_subject(const HealthCheck& check, const Service& service,
                                    const Backend& backend, bool probed);

}  // namespace sluice
