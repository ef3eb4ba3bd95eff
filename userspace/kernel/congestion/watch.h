// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the congestion control tells beside its flows: sums over a service's flows, and each change
// of state as it happens.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernel/system/map.h"
#include "sluice/congestion.h"
#include "support/result.h"

struct ring_buffer;

namespace sluice {

// By service number, 0: flows of no service; those of which there is nothing to say are left out,
// and all are where it was never loaded.
using CongestionSums = std::vector<std::pair<uint32_t, sluice_congestion_service>>;
Result<CongestionSums> congestion_sums(const std::string& instance_dir);

// A new service begins at zero. Flows that are there stay counted.
Result<void> purge_congestion_sums(const std::string& instance_dir, uint32_t service);

// The only reader of an instance's changes of state, while it lives.
class CongestionWatch {
 public:
  // Somebody else reads, or it was never loaded: an error.
  static Result<CongestionWatch> open(const std::string& instance_dir);
  CongestionWatch(CongestionWatch&&) noexcept;
  CongestionWatch& operator=(CongestionWatch&&) = delete;
  ~CongestionWatch();

  using Take = std::function<void(const sluice_congestion_event&)>;
  // Waits for changes, at most so long, which must be less than a second; a signal ends the wait.
  Result<void> wait(std::chrono::milliseconds most, const Take& take);
  // Changes since it was opened for which there was no room, because nobody read fast enough.
  [[nodiscard]] uint64_t dropped() const;

 private:
  struct State;
  explicit CongestionWatch(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice
