// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Our sender in the path simulation: the code of bpf/pure, called as the kernel does.
#pragma once

#include "pure/congestion_window.h"
#include "unit/support/path_simulation.h"

namespace sluice::simulation {

class Governed : public Controller {
 public:
  explicit Governed(uint32_t weight = 1);
  void on_ack(const AckEvent& event) override;
  void on_recovery(const AckEvent& event) override;
  void on_timeout() override;
  void on_repaired() override { window_on_repaired(&window_); }
  [[nodiscard]] uint32_t cwnd() const override { return window_.cwnd_packets; }
  void set_cwnd(uint32_t packets) override { window_.cwnd_packets = packets; }
  [[nodiscard]] double pacing() const override;
  [[nodiscard]] uint32_t least_burst() const override;
  [[nodiscard]] bool accurate_marks() const { return marks_accurate(&window_.marks); }
  [[nodiscard]] int state() const override { return window_.state; }

 private:
  window window_{};
  uint32_t now_ms_ = 0;
  double srtt_us_ = 0;
};

}  // namespace sluice::simulation
