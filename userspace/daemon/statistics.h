// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The daemon's own statistics for the metrics server, which has threads of its own. A request wakes
// the loop, which collects them on its thread; without requests this costs nothing.
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

struct DaemonStatistics {
  std::vector<Progress> progress;
  std::map<CheckKind, CheckCounts> totals;
  std::vector<Advice> advice;  // for services whose weights are not fixed
  bool file_valid = true;      // the last version of the file that was read
  double file_applied = 0;     // seconds since the epoch
  uint64_t changes = 0;        // sentences about changes made in the kernel
  uint64_t errors = 0;         // failed operations, which are tried again
  uint64_t settled_slots = 0;
};

class StatisticsChannel {
 public:
  // `collect` runs on the loop's thread.
  StatisticsChannel(EventLoop& loop, std::function<DaemonStatistics()> collect);
  ~StatisticsChannel();
  StatisticsChannel(const StatisticsChannel&) = delete;
  StatisticsChannel& operator=(const StatisticsChannel&) = delete;

  // Blocks the calling thread, which must not be the loop's, for at most a second. Empty: the loop
  // was busy for that long.
  std::optional<DaemonStatistics> request();

 private:
  struct Handle;
  void serve();

  std::function<DaemonStatistics()> collect_;
  Handle* handle_;
  std::mutex mutex_;
  std::condition_variable served_changed_;
  uint64_t requested_ = 0;  // number of the last request
  uint64_t served_ = 0;     // number of the last request that has been served
  DaemonStatistics statistics_;
};

}  // namespace sluice
