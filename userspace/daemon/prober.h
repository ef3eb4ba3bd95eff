// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs the checks of all backends, at most one per backend at a time, and keeps each backend's
// standing. A callback reports each backend whose standing changes between healthy and failing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "daemon/checker.h"
#include "daemon/event_loop.h"
#include "daemon/ready_set.h"
#include "model/monitored_backend.h"

namespace sluice {

// Names of the service and of the backend.
using BackendName = std::pair<std::string, std::string>;

struct Watched {
  BackendName name;
  std::shared_ptr<const HealthCheck> check;
  Subject subject;       // its `check` is set by the prober
  bool failing = false;  // initial standing, if the backend is new to the prober
};

struct CheckCounts {
  uint64_t passed = 0;
  uint64_t failed = 0;
  uint64_t timed_out = 0;  // among the failed ones
  uint64_t unable = 0;
};

struct Progress {
  BackendName name;
  Standing standing;
  CheckCounts counts;
  uint64_t took_us = 0;  // duration of the last check that did not time out
  std::string why;       // why the last check did not pass; empty if it passed
};

class Prober {
 public:
  // Called when a backend begins or ceases to fail; `why` is the reason of the last check.
  using Changed =
      std::function<void(const BackendName& name, bool failing, const std::string& why)>;

  Prober(EventLoop& loop, uint64_t seed, Changed changed);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Sets the backends to check. Backends that were checked already keep their standing.
  void watch(const std::vector<Watched>& all);
  [[nodiscard]] bool failing(const BackendName& name) const;  // false if it is not checked
  // Begins the backend's next check now. No effect if one is under way, or with `passive: false`.
  void check_now(const BackendName& name);
  [[nodiscard]] std::vector<Progress> progress() const;
  // By kind of check, backends that are no longer checked included.
  [[nodiscard]] const std::map<CheckKind, CheckCounts>& totals() const { return totals_; }

 private:
  struct Target;
  Checker& checker_of(CheckKind kind);
  void begin(Target& target);
  void time_out(Target& target);
  void end(Target& target, const CheckResult& answer, bool timed_out);
  void count(CheckCounts& counts, const CheckResult& answer, bool timed_out) const;
  uint32_t random() { return static_cast<uint32_t>(random_()); }

  EventLoop& loop_;
  std::mt19937_64 random_;
  Changed changed_;
  ReadySet ready_;
  std::map<CheckKind, std::unique_ptr<Checker>> checkers_;
  std::map<CheckKind, CheckCounts> totals_;
  std::map<BackendName, std::unique_ptr<Target>> targets_;
};

}  // namespace sluice
