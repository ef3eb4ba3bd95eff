// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Every backend's checks, one after the other at its own pace, and what they say of it. Holds no
// more than one attempt of each backend at a time; whoever wants to know what follows from a
// standing that changed is told.
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

// By service and backend.
using BackendName = std::pair<std::string, std::string>;

struct Watched {
  BackendName name;
  std::shared_ptr<const HealthCheck> check;
  Subject subject;       // its `check` is set by the prober
  bool failing = false;  // what is known of one that is new here
};

struct CheckCounts {
  uint64_t well = 0;
  uint64_t bad = 0;
  uint64_t timed_out = 0;  // among the bad ones
  uint64_t unable = 0;
};

struct Progress {
  BackendName name;
  Standing standing;
  CheckCounts counts;
  uint64_t took_us = 0;  // of the last one that was answered
  std::string why;       // the last one that was not well was not; empty: it was
};

class Prober {
 public:
  // `changed` is told of each backend whose standing did, and why.
  using Changed =
      std::function<void(const BackendName& name, bool failing, const std::string& why)>;

  Prober(EventLoop& loop, uint64_t seed, Changed changed);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // These and no others, from now on; who was watched already goes on as it stands.
  void watch(const std::vector<Watched>& all);
  [[nodiscard]] bool failing(const BackendName& name) const;  // not watched: false
  // Its next check now, where none is under way; a check that wants no such hint passes it over.
  void hurry(const BackendName& name);
  [[nodiscard]] std::vector<Progress> progress() const;
  // Of all, also those that are watched no longer, by kind of check.
  [[nodiscard]] const std::map<CheckKind, CheckCounts>& totals() const { return totals_; }

 private:
  struct Target;
  Checker& checker_of(CheckKind kind);
  void begin(Target& target);
  void time_out(Target& target);
  void end(Target& target, const Answer& answer, bool timed_out);
  void count(CheckCounts& counts, const Answer& answer, bool timed_out) const;
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
