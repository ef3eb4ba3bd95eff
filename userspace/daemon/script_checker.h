// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs the operator's program, which exits with 0 if the backend is healthy. The environment
// variables SLUICE_SERVICE, SLUICE_BACKEND, SLUICE_ADDRESS and SLUICE_PORT name the backend. The
// program has neither input nor output. At the time-out its whole process group is killed.
#pragma once

#include <cstddef>

#include "daemon/checker.h"
#include "daemon/event_loop.h"

namespace sluice {

class ScriptChecker : public Checker {
 public:
  // Upper limit of programs that run at once; further checks are `unable`.
  static constexpr size_t at_once = 256;

  explicit ScriptChecker(EventLoop& loop) : loop_(loop) {}
  // Waits until libuv has reaped all programs; destroying the attempts has killed them.
  ~ScriptChecker() override;
  ScriptChecker(const ScriptChecker&) = delete;
  ScriptChecker& operator=(const ScriptChecker&) = delete;

  StartedCheck begin(const Subject& subject, OnResult on_result) override;

 private:
  EventLoop& loop_;
  size_t running_ = 0;
};

}  // namespace sluice
