// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the daemon knows of itself, for a thread that is not its loop's: whoever asks waits until
// the loop has put the figures together, which costs nothing while nobody asks.
#pragma once

#include <uv.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "daemon/event_loop.h"
#include "daemon/prober.h"
#include "daemon/weights.h"

namespace sluice {

struct DaemonFigures {
  std::vector<Progress> progress;
  std::map<CheckKind, CheckCounts> totals;
  std::vector<Advice> advice;  // of services whose weights are not fixed
  bool file_valid = true;      // as it was when it changed last
  double file_applied = 0;     // seconds since the epoch
  uint64_t changes = 0;        // made in the kernel, sentences of them
  uint64_t errors = 0;         // of work that failed, and is tried again
  uint64_t settled_slots = 0;
};

class FiguresExchange {
 public:
  FiguresExchange(EventLoop& loop, std::function<DaemonFigures()> collect);
  ~FiguresExchange();
  FiguresExchange(const FiguresExchange&) = delete;
  FiguresExchange& operator=(const FiguresExchange&) = delete;

  // From any thread. Nothing: the loop had no time within a second.
  std::optional<DaemonFigures> ask();

 private:
  struct Handle;
  void answer();

  std::function<DaemonFigures()> collect_;
  Handle* handle_;
  std::mutex mutex_;
  std::condition_variable answered_;
  uint64_t asked_ = 0;
  uint64_t served_ = 0;
  DaemonFigures figures_;
};

}  // namespace sluice
