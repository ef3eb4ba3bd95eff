// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The operator's own program: it ends with 0 when the backend is well. It is told what to look at
// by SLUICE_SERVICE, SLUICE_BACKEND, SLUICE_ADDRESS and SLUICE_PORT, has no terminal and no output,
// and goes with everything that it started when its time is over.
#pragma once

#include <cstddef>

#include "daemon/checker.h"
#include "daemon/event_loop.h"

namespace sluice {

class ScriptChecker : public Checker {
 public:
  // More at once are not begun.
  static constexpr size_t at_once = 256;

  explicit ScriptChecker(EventLoop& loop) : loop_(loop) {}
  // Whoever is still running was killed with his attempt, and is waited for: libuv tells this one.
  ~ScriptChecker() override;
  ScriptChecker(const ScriptChecker&) = delete;
  ScriptChecker& operator=(const ScriptChecker&) = delete;

  Begun begin(const Subject& subject, Answered answered) override;

 private:
  EventLoop& loop_;
  size_t running_ = 0;
};

}  // namespace sluice
