// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// State changes of the congestion control, one event each, as they happen.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sluice/congestion.h"
#include "support/result.h"

namespace sluice {

// The only reader of an instance's events while it exists.
class CongestionWatch {
 public:
  // Refuses: another reader exists; the congestion control was never loaded.
  static Result<CongestionWatch> open(const std::string& instance_dir);
  CongestionWatch(CongestionWatch&&) noexcept;
  CongestionWatch& operator=(CongestionWatch&&) = delete;
  ~CongestionWatch();

  using Take = std::function<void(const sluice_congestion_event&)>;
  // Waits at most `most`, which must be less than a second; a signal ends the wait.
  Result<void> wait(std::chrono::milliseconds most, const Take& take);
  // Events lost since open() because the ring buffer was full.
  [[nodiscard]] uint64_t dropped() const;

 private:
  class Shared;
  struct State;
  explicit CongestionWatch(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice
