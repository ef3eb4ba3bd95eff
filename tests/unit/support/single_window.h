// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One congestion window (bpf/pure) for tests, fresh or in avoidance, and a flow that sends rounds
// of packets over one bottleneck with a drop-tail buffer.
#pragma once

#include <algorithm>
#include <cstdint>

#include "pure/congestion_window.h"

namespace sluice::simulation {

inline constexpr uint32_t kMss = 1448;

inline window fresh_window(uint32_t cwnd = WINDOW_INITIAL) {
  window flow{};
  window_open(&flow, cwnd, 0);
  return flow;
}

// Slow start has ended long ago, and no queue probe is due.
inline window settled_window(uint32_t cwnd) {
  window flow = fresh_window(cwnd);
  window_settle(&flow, 0);
  return flow;
}

// As the kernel at a loss event, a mark or a time-out: gets ssthresh, then sets the state.
inline void lose_once(window& flow, window_cause cause = WINDOW_CERTAIN, uint32_t now_ms = 0) {
  flow.ssthresh_packets = window_after_loss(&flow, cause, now_ms);
  window_on_recovery(&flow);
}

// An acknowledgement of a full window, in the middle of a round.
inline window_ack plain_ack(const window& flow) {
  window_ack ack{};
  ack.acked_packets = 1;
  ack.inflight_packets = flow.cwnd_packets;
  ack.prior_packets = flow.cwnd_packets;
  ack.ceiling_packets = WINDOW_ENDLESS;
  ack.advanced = true;
  ack.filled = true;
  return ack;
}

// One bottleneck: packets that the path holds without a queue, and those that its buffer holds.
struct Path {
  uint32_t rtt_us = 40000;
  uint32_t holds_packets = 167;  // 50 Mbit/s over 40 ms
  uint32_t buffer_packets = 167;

  [[nodiscard]] uint32_t rtt_with(uint32_t packets) const {
    if (packets <= holds_packets) return rtt_us;
    const uint32_t queue = std::min(packets - holds_packets, buffer_packets);
    return rtt_us + queue * (rtt_us / holds_packets);
  }
};

// A flow on its path, one round at a time, one acknowledgement a packet. `foreign` packets of other
// traffic share the queue.
class Flow {
 public:
  explicit Flow(Path path) : path_(path), window_(fresh_window()) {}

  void round(uint32_t foreign = 0, bool filled = true) {
    const uint32_t sent = window_.cwnd_packets;
    const uint32_t rtt = path_.rtt_with(sent + foreign);
    const bool lost = sent + foreign > path_.holds_packets + path_.buffer_packets;
    now_ms_ += std::max(rtt / 1000, uint32_t{WINDOW_ROUND_LEAST_MS});
    for (uint32_t i = 1; i <= sent; ++i) {
      window_ack ack = plain_ack(window_);
      ack.now_ms = now_ms_;
      ack.rtt_us = rtt;
      ack.filled = filled;
      ack.ceiling_packets = ceiling_;
      ack.round_ended = i == sent;
      window_on_ack(&window_, &ack);
    }
    most_ = std::max(most_, window_.cwnd_packets);
    if (lost) lose();
  }

  void rounds(int count, uint32_t foreign = 0) {
    for (int i = 0; i < count; ++i) round(foreign);
  }

  void lose() {
    lose_once(window_, WINDOW_LOST, now_ms_);
    window_on_repaired(&window_);
  }

  void limit(uint32_t packets) { ceiling_ = packets; }
  [[nodiscard]] uint32_t state() const { return window_.state; }
  [[nodiscard]] uint32_t cwnd() const { return window_.cwnd_packets; }
  [[nodiscard]] uint32_t most() const { return most_; }
  [[nodiscard]] uint32_t now_ms() const { return now_ms_; }
  Path path_;
  window window_;

 private:
  uint32_t now_ms_ = 0;
  uint32_t ceiling_ = WINDOW_ENDLESS;
  uint32_t most_ = 0;
};

}  // namespace sluice::simulation
