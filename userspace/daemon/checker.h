// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What carries out one kind of check. A check that has begun is an Attempt: it calls back exactly
// once, from the loop and never from within begin(), unless it is destroyed before, which gives up
// whatever it holds. Time-outs are the caller's (daemon/prober.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "model/address.h"
#include "model/health.h"

namespace sluice {

// What is checked, and how to get there.
struct Subject {
  const HealthCheck* check = nullptr;
  HostPort at;            // where the packets go
  uint32_t mark = 0;      // of the socket; 0: none (bpf/probe.bpf.c)
  std::string service{};  // its name
  std::string host{};     // what HTTP asks for: the check's host, or the service's address
};

struct Answer {
  enum class Kind : uint8_t {
    well,
    bad,
    unable,  // this host could not ask: says nothing of the backend
  };
  Kind kind = Kind::well;
  std::string why{};  // it is not well
};

class Attempt {
 public:
  virtual ~Attempt() = default;
};

using Answered = std::function<void(Answer)>;

struct Begun {
  std::optional<Answer> answer{};      // already
  std::unique_ptr<Attempt> attempt{};  // or later
};

class Checker {
 public:
  virtual ~Checker() = default;
  virtual Begun begin(const Subject& subject, Answered answered) = 0;
};

[[nodiscard]] inline Begun answered_already(Answer::Kind kind, std::string why = {}) {
  return {.answer = Answer{kind, std::move(why)}};
}

}  // namespace sluice
