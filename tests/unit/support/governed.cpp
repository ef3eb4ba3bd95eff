// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/support/governed.h"

#include "pure/pacing.h"

namespace sluice::simulation {

Governed::Governed(uint32_t weight) {
  window_open(&window_, WINDOW_INITIAL, 0);
  window_.weight = weight;
}

void Governed::on_ack(const AckEvent& event) {
  now_ms_ = static_cast<uint32_t>(event.now_us / 1000);
  if (event.rtt_us > 0)
    srtt_us_ = srtt_us_ > 0 ? srtt_us_ * 7 / 8 + event.rtt_us / 8 : event.rtt_us;
  window_ack ack{};
  ack.now_ms = now_ms_;
  ack.rtt_us = static_cast<uint32_t>(event.rtt_us);
  ack.acked_packets = event.delivered;
  ack.lost_packets = event.lost;
  ack.marked_packets = event.marked;
  ack.acknowledged = static_cast<uint32_t>(event.acknowledged);
  ack.in_order = event.missing == 0;
  ack.inflight_packets = event.inflight;
  ack.prior_packets = event.prior_cwnd;
  ack.sent_packets = event.sent_in_recovery;
  ack.ceiling_packets = WINDOW_ENDLESS;
  ack.advanced = event.advanced;
  ack.round_ended = event.round_ended;
  // As the kernel's tcp_is_cwnd_limited().
  ack.filled = event.filled || (window_.cwnd_packets < window_.ssthresh_packets &&
                                window_.cwnd_packets < 2 * (event.inflight + event.delivered));
  window_on_ack(&window_, &ack);
}

void Governed::on_recovery(const AckEvent& event) {
  now_ms_ = static_cast<uint32_t>(event.now_us / 1000);
  if (event.rtt_us > 0) window_.rtt_us = static_cast<uint32_t>(event.rtt_us);
  marks_on_answer(&window_.marks, static_cast<uint32_t>(event.acknowledged),
                  static_cast<uint32_t>(event.next));
  window_.ssthresh_packets =
      window_after_loss(&window_, event.marked != 0 ? WINDOW_MARKED : WINDOW_LOST, now_ms_);
  window_on_recovery(&window_);
}

void Governed::on_timeout() {
  window_.ssthresh_packets = window_after_loss(&window_, WINDOW_CERTAIN, now_ms_);
  window_on_timeout(&window_);
}

double Governed::pacing() const {
  const double rtt_us = srtt_us_ > 0 ? srtt_us_ : PACING_FIRST_RTT_US;
  return window_.cwnd_packets / rtt_us * window_pacing_gain(&window_) / 100;
}

uint32_t Governed::least_burst() const {
  return pacing_least_burst(static_cast<uint64_t>(pacing() * kMssBytes * 1e6),
                            static_cast<uint32_t>(kMssBytes));
}

}  // namespace sluice::simulation
