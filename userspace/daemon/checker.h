// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The interface of one kind of check. A check under way is an Attempt: it reports its result
// exactly once, from the loop and never from within begin(). Destroying it first cancels the check
// and releases its resources. The prober enforces the time-outs (daemon/prober.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "model/address.h"
#include "model/health.h"

namespace sluice {

// What is checked, and how to reach it.
struct Subject {
  const HealthCheck* check = nullptr;
  HostPort at;            // destination of the packets
  uint32_t mark = 0;      // of the socket; 0: none (bpf/probe.bpf.c)
  std::string service{};  // the service's name
  std::string host{};     // Host header of HTTP: the check's host, or the service's address
};

struct CheckResult {
  enum class Kind : uint8_t {
    passed,
    failed,
    unable,  // this host could not send the check, so the backend's health is unknown
  };
  Kind kind = Kind::passed;
  std::string why{};  // empty if it passed
};

class Attempt {
 public:
  virtual ~Attempt() = default;
};

using OnResult = std::function<void(CheckResult)>;

// Has either a result at once, or an attempt that reports it later.
struct StartedCheck {
  std::optional<CheckResult> result{};
  std::unique_ptr<Attempt> attempt{};
};

class Checker {
 public:
  virtual ~Checker() = default;
  virtual StartedCheck begin(const Subject& subject, OnResult on_result) = 0;
};

[[nodiscard]] inline StartedCheck result_now(CheckResult::Kind kind, std::string why = {}) {
  return {.result = CheckResult{kind, std::move(why)}};
}

}  // namespace sluice
