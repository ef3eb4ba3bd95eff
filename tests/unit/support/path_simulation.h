// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A discrete-event simulation of several TCP senders over one bottleneck: a drop-tail queue, delay,
// random loss, jitter that keeps order, ECN marks, receivers that delay acknowledgements. It is
// deterministic for a seed; a minute of traffic takes well below a second. Interface Controller
// stands for the congestion control, so the code of bpf/pure runs here.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <vector>

namespace sluice::simulation {

constexpr double kMssBytes = 1448;
constexpr double kWireBytes = 1500;

struct PathShape {
  double rate_mbit = 50;
  double rtt_ms = 40;
  double buffer_bdp = 1;
  double loss = 0;              // probability, each direction
  double jitter_ms = 0;         // up to this much more, each direction; order is kept
  double ecn_threshold_ms = 0;  // a longer queue marks; 0: never
  uint64_t seed = 1;

  [[nodiscard]] double packet_us() const { return kWireBytes * 8 / rate_mbit; }
  [[nodiscard]] double bdp_packets() const { return rtt_ms * 1000 / packet_us(); }
};

// An acknowledgement, and the sender's socket after it.
struct AckEvent {
  double now_us = 0;
  double rtt_us = 0;  // 0: no sample
  uint32_t delivered = 0;
  uint32_t lost = 0;
  uint32_t marked = 0;   // of the delivered, according to the receiver's echo
  uint32_t missing = 0;  // packets before the last that arrived; 0: all is in order
  uint64_t acknowledged = 0;
  uint64_t next = 0;  // to be sent
  uint32_t inflight = 0;
  uint32_t prior_cwnd = 0;
  uint32_t sent_in_recovery = 0;
  bool advanced = false;
  bool round_ended = false;
  bool filled = false;
  double delivery_rate = 0;  // packets a microsecond; 0: no sample
};

// A congestion control, as the kernel calls one.
class Controller {
 public:
  virtual ~Controller() = default;
  virtual void on_ack(const AckEvent& ack) = 0;
  virtual void on_recovery(const AckEvent& ack) = 0;  // a loss or a mark, once a window
  virtual void on_timeout() = 0;
  virtual void on_repaired() = 0;
  [[nodiscard]] virtual uint32_t cwnd() const = 0;
  virtual void set_cwnd(uint32_t packets) = 0;      // by the kernel, at a time-out
  [[nodiscard]] virtual double pacing() const = 0;  // packets a microsecond; 0: none
  [[nodiscard]] virtual int state() const { return -1; }
  [[nodiscard]] virtual uint32_t least_burst() const { return 2; }
};

// How a receiver echoes congestion marks: not at all, from a mark until the sender has answered
// (RFC 3168), or each (RFC 8257, 3.2).
enum class Echo { none, classic, accurate };

struct FlowPlan {
  std::unique_ptr<Controller> controller;
  Echo echo = Echo::none;
  double start_s = 0;
  double stop_s = 1e9;
  double extra_rtt_ms = 0;
  uint64_t packets = UINT64_MAX;  // then the flow ends
  double on_s = 0;                // with off_s: sends for so long, rests for so long, and again
  double off_s = 0;
};

class PathSimulation {
 public:
  explicit PathSimulation(PathShape shape);
  ~PathSimulation();

  size_t add(FlowPlan plan);
  void run_until(double seconds);
  void change_rtt(double rtt_ms) { shape_.rtt_ms = rtt_ms; }

  [[nodiscard]] double delivered_packets(size_t flow) const;
  [[nodiscard]] uint64_t sent_packets(size_t flow) const;
  [[nodiscard]] uint64_t retransmitted(size_t flow) const;
  [[nodiscard]] double done_s(size_t flow) const;  // 0: not yet
  [[nodiscard]] const Controller& controller(size_t flow) const;
  [[nodiscard]] double now_s() const { return now_us_ / 1e6; }
  // Of the queueing delay that packets met since the last clear, milliseconds.
  [[nodiscard]] double queue_ms(double quantile) const;
  void clear_queue();
  [[nodiscard]] double queue_now_ms() const;

 private:
  struct Flow;
  struct Event {
    double at;
    uint64_t order;
    int kind;
    size_t flow;
    uint64_t value;
    bool operator>(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  void push(double at, int kind, size_t flow, uint64_t value);
  void try_send(size_t index);
  void transmit(size_t index, uint64_t sequence, bool again);
  void arrive(size_t index, uint64_t transmission);
  void receive_mark(size_t index, bool marked, bool answer);
  void acknowledge(size_t index);
  void on_ack(size_t index);
  void on_timer(size_t index);
  double draw() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

  PathShape shape_;
  double buffer_us_;
  double now_us_ = 0;
  double busy_until_us_ = 0;
  uint64_t order_ = 0;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<uint32_t> queue_histogram_;  // hundredths of a millisecond
};

}  // namespace sluice::simulation
