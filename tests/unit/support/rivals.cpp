// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/support/rivals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

namespace sluice::simulation {

namespace {

// RFC 9438 with a delay-increase HyStart and proportional rate reduction (RFC 6937).
class Cubic : public Controller {
 public:
  void on_ack(const AckEvent& ack) override {
    now_us_ = ack.now_us;
    if (ack.rtt_us > 0) {
      min_rtt_us_ = std::min(min_rtt_us_, ack.rtt_us);
      round_rtt_us_ = std::min(round_rtt_us_, ack.rtt_us);
      srtt_us_ = srtt_us_ > 0 ? srtt_us_ * 7 / 8 + ack.rtt_us / 8 : ack.rtt_us;
      samples_++;
    }
    if (recovering_) {
      reduced_ += ack.delivered;
      if (ack.delivered > 0) reduce(ack);
    } else if (ack.filled || ack.inflight + ack.delivered >= cwnd_) {
      grow(ack.delivered);
    }
    if (ack.round_ended) {
      round_rtt_us_ = 1e18;
      samples_ = 0;
    }
  }
  void on_recovery(const AckEvent& ack) override {
    prior_ = cwnd_;
    max_ = cwnd_ < max_ ? cwnd_ * 0.85 : cwnd_;
    ssthresh_ = std::max(2.0, cwnd_ * 0.7);
    recovering_ = true;
    reduced_ = 0;
    epoch_us_ = -1;
    (void)ack;
  }
  void on_timeout() override {
    max_ = cwnd_ < max_ ? cwnd_ * 0.85 : cwnd_;
    ssthresh_ = std::max(2.0, cwnd_ * 0.7);
    recovering_ = false;
    epoch_us_ = -1;
  }
  void on_repaired() override {
    if (recovering_) cwnd_ = ssthresh_;
    recovering_ = false;
  }
  [[nodiscard]] uint32_t cwnd() const override { return static_cast<uint32_t>(cwnd_); }
  void set_cwnd(uint32_t packets) override { cwnd_ = packets; }
  [[nodiscard]] double pacing() const override { return 0; }

 private:
  void grow(uint32_t acked) {
    if (cwnd_ < ssthresh_) {
      cwnd_ = std::min(cwnd_ + acked, ssthresh_);
      const double tolerated = std::clamp(min_rtt_us_ / 8, 4000.0, 16000.0);
      if (samples_ >= 8 && cwnd_ >= 16 && round_rtt_us_ > min_rtt_us_ + tolerated)
        ssthresh_ = cwnd_;
      return;
    }
    if (epoch_us_ < 0) {
      epoch_us_ = now_us_;
      if (max_ < cwnd_) max_ = cwnd_;
      k_s_ = std::cbrt((max_ - cwnd_) / 0.4);
      friendly_ = cwnd_;
    }
    const double t = (now_us_ - epoch_us_ + min_rtt_us_) / 1e6 - k_s_;
    double target = max_ + 0.4 * t * t * t;
    friendly_ += 0.53 * acked / cwnd_;
    target = std::max(target, friendly_);
    if (target > cwnd_)
      cwnd_ += std::min(0.5, (target - cwnd_) / cwnd_) * acked;
    else
      cwnd_ += 0.01 * acked / cwnd_;
  }
  void reduce(const AckEvent& ack) {
    double allowed = 0;
    if (ack.inflight > ssthresh_) {
      allowed = std::ceil(ssthresh_ * reduced_ / prior_) - ack.sent_in_recovery;
    } else {
      allowed = std::max(reduced_ - ack.sent_in_recovery, static_cast<double>(ack.delivered)) + 1;
      allowed = std::min(allowed, ssthresh_ - ack.inflight);
    }
    if (allowed < 1 && ack.sent_in_recovery == 0) allowed = 1;
    cwnd_ = ack.inflight + std::max(0.0, std::floor(allowed));
  }

  double cwnd_ = 10;
  double ssthresh_ = 1e9;
  double max_ = 0;
  double prior_ = 10;
  double reduced_ = 0;
  double k_s_ = 0;
  double friendly_ = 0;
  double epoch_us_ = -1;
  double now_us_ = 0;
  double min_rtt_us_ = 1e18;
  double round_rtt_us_ = 1e18;
  double srtt_us_ = 0;
  int samples_ = 0;
  bool recovering_ = false;
};

// BBR, the first version (net/ipv4/tcp_bbr.c), without its long-term policer model.
class Bbr : public Controller {
 public:
  void on_ack(const AckEvent& ack) override {
    now_us_ = ack.now_us;
    inflight_ = ack.inflight;
    if (ack.rtt_us > 0 && (ack.rtt_us <= min_rtt_us_ || now_us_ - min_rtt_at_us_ > 1e7)) {
      const bool expired = ack.rtt_us > min_rtt_us_;
      if (expired && mode_ != Mode::probe_rtt) {
        mode_ = Mode::probe_rtt;
        probe_until_us_ = 0;
      }
      min_rtt_us_ = ack.rtt_us;
      min_rtt_at_us_ = now_us_;
    }
    if (ack.round_ended) {
      round_++;
      bandwidths_[round_ % 10] = 0;
    }
    if (ack.delivery_rate > 0)
      bandwidths_[round_ % 10] = std::max(bandwidths_[round_ % 10], ack.delivery_rate);
    const double bw = bandwidth();
    if (mode_ == Mode::startup && ack.round_ended) {
      if (bw >= full_bw_ * 1.25) {
        full_bw_ = bw;
        full_count_ = 0;
      } else if (++full_count_ >= 3) {
        mode_ = Mode::drain;
      }
    }
    if (mode_ == Mode::drain && ack.inflight <= bdp(1)) enter_probe_bw();
    if (mode_ == Mode::probe_bw) advance_cycle(ack);
    if (mode_ == Mode::probe_rtt) {
      if (probe_until_us_ == 0 && ack.inflight <= 4) probe_until_us_ = now_us_ + 200000;
      if (probe_until_us_ > 0 && now_us_ > probe_until_us_) {
        min_rtt_at_us_ = now_us_;
        if (full_count_ >= 3)
          enter_probe_bw();
        else
          mode_ = Mode::startup;
      }
    }
    double target = bw > 0 ? bdp(gain_cwnd()) + 3 : 10;
    if (full_count_ >= 3)
      cwnd_ = std::min(cwnd_ + ack.delivered, target);
    else if (cwnd_ < target || bw == 0)
      cwnd_ += ack.delivered;
    cwnd_ = std::max(cwnd_, 4.0);
    if (mode_ == Mode::probe_rtt) cwnd_ = 4;
  }
  void on_recovery(const AckEvent&) override {}
  void on_timeout() override {}
  void on_repaired() override {}
  [[nodiscard]] uint32_t cwnd() const override { return static_cast<uint32_t>(cwnd_); }
  void set_cwnd(uint32_t packets) override { cwnd_ = packets; }
  [[nodiscard]] double pacing() const override {
    const double bw = bandwidth();
    if (bw <= 0) return 10 * 2.89 / 40000;
    double gain = 2.89;
    if (mode_ == Mode::drain) gain = 1 / 2.89;
    if (mode_ == Mode::probe_bw) gain = kCycle[phase_];
    if (mode_ == Mode::probe_rtt) gain = 1;
    return bw * gain * 0.99;
  }

 private:
  enum class Mode { startup, drain, probe_bw, probe_rtt };
  static constexpr std::array<double, 8> kCycle = {1.25, 0.75, 1, 1, 1, 1, 1, 1};
  [[nodiscard]] double bandwidth() const {
    return *std::max_element(bandwidths_.begin(), bandwidths_.end());
  }
  [[nodiscard]] double bdp(double gain) const { return gain * bandwidth() * min_rtt_us_; }
  [[nodiscard]] double gain_cwnd() const {
    return mode_ == Mode::startup || mode_ == Mode::drain ? 2.89 : 2;
  }
  void enter_probe_bw() {
    mode_ = Mode::probe_bw;
    phase_ = 2 + static_cast<size_t>(round_ % 6);
    phase_at_us_ = now_us_;
  }
  void advance_cycle(const AckEvent& ack) {
    const double elapsed = now_us_ - phase_at_us_;
    bool next = elapsed > min_rtt_us_;
    if (kCycle[phase_] > 1) next = next && (ack.lost > 0 || ack.inflight >= bdp(1.25));
    if (kCycle[phase_] < 1) next = next || ack.inflight <= bdp(1);
    if (!next) return;
    phase_ = (phase_ + 1) % 8;
    phase_at_us_ = now_us_;
  }

  double cwnd_ = 10;
  double now_us_ = 0;
  double min_rtt_us_ = 1e18;
  double min_rtt_at_us_ = 0;
  double probe_until_us_ = 0;
  double phase_at_us_ = 0;
  double full_bw_ = 0;
  int full_count_ = 0;
  uint64_t round_ = 0;
  uint32_t inflight_ = 0;
  size_t phase_ = 0;
  Mode mode_ = Mode::startup;
  std::array<double, 10> bandwidths_{};
};

}  // namespace

std::unique_ptr<Controller> make_cubic() {
  return std::make_unique<Cubic>();
}

std::unique_ptr<Controller> make_bbr() {
  return std::make_unique<Bbr>();
}

}  // namespace sluice::simulation
