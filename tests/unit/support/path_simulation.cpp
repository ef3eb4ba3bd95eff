// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/support/path_simulation.h"

#include <algorithm>
#include <cmath>

#include "unit/support/path_flow.h"

namespace sluice::simulation {

namespace {

constexpr double kDelayedAckUs = 40000;
constexpr double kBurstUs = 1000;  // TCP sends what its rate carries in a millisecond at once

}  // namespace

PathSimulation::PathSimulation(PathShape shape)
    : shape_(shape),
      buffer_us_(shape.buffer_bdp * shape.rtt_ms * 1000),
      random_(shape.seed),
      queue_histogram_(200000) {}

PathSimulation::~PathSimulation() = default;

size_t PathSimulation::add(FlowPlan plan) {
  auto flow = std::make_unique<Flow>();
  flow->plan = std::move(plan);
  flows_.push_back(std::move(flow));
  push(flows_.back()->plan.start_s * 1e6, kStart, flows_.size() - 1, 0);
  return flows_.size() - 1;
}

void PathSimulation::push(double at, int kind, size_t flow, uint64_t value) {
  events_.push({at, order_++, kind, flow, value});
}

void PathSimulation::run_until(double seconds) {
  while (!events_.empty() && events_.top().at <= seconds * 1e6) {
    const Event event = events_.top();
    events_.pop();
    now_us_ = event.at;
    Flow& flow = *flows_[event.flow];
    switch (event.kind) {
      case kStart:
        flow.started = true;
        // The handshake's round trip.
        flow.srtt_us = (shape_.rtt_ms + flow.plan.extra_rtt_ms) * 1000 + queue_now_ms() * 1000;
        flow.rttvar_us = flow.srtt_us / 2;
        flow.delivered_at_us = now_us_;
        flow.round_began_us = now_us_;
        try_send(event.flow);
        break;
      case kSend:
        flow.send_pending = false;
        try_send(event.flow);
        break;
      case kArrive:
        arrive(event.flow, event.value);
        break;
      case kDelayedAck:
        if (event.value == flow.ack_epoch && flow.unreported_count > 0) acknowledge(event.flow);
        break;
      case kAckArrives:
        on_ack(event.flow);
        break;
      case kTimer:
        on_timer(event.flow);
        break;
    }
  }
  now_us_ = seconds * 1e6;
}

void PathSimulation::try_send(size_t index) {
  Flow& flow = *flows_[index];
  if (!flow.started || now_us_ > flow.plan.stop_s * 1e6) return;
  if (flow.plan.on_s > 0) {
    const double period = (flow.plan.on_s + flow.plan.off_s) * 1e6;
    const double phase = std::fmod(now_us_ - flow.plan.start_s * 1e6, period);
    if (phase > flow.plan.on_s * 1e6 && flow.lost.empty()) {
      if (!flow.send_pending) {
        flow.send_pending = true;
        push(now_us_ + period - phase + 1, kSend, index, 0);
      }
      return;
    }
  }
  if (flow.send_pending) return;
  const double pacing = flow.plan.controller->pacing();
  const uint32_t cwnd = flow.plan.controller->cwnd();
  if (pacing > 0 && now_us_ < flow.next_send_us) {
    flow.send_pending = true;
    push(flow.next_send_us, kSend, index, 0);
    return;
  }
  uint32_t burst = UINT32_MAX;
  if (pacing > 0)
    burst = std::max(flow.plan.controller->least_burst(), static_cast<uint32_t>(pacing * kBurstUs));
  uint32_t sent = 0;
  while (sent < burst && flow.inflight < cwnd) {
    if (!flow.lost.empty()) {
      const uint64_t sequence = flow.lost.front();
      flow.lost.pop_front();
      transmit(index, sequence, true);
    } else if (flow.next < flow.plan.packets) {
      transmit(index, flow.next++, false);
      flow.received.push_back(0);
    } else {
      break;
    }
    sent++;
  }
  if (flow.inflight >= cwnd) flow.window_limited = true;
  if (pacing > 0 && sent > 0) {
    flow.next_send_us = std::max(now_us_, flow.next_send_us) + sent / pacing;
    if (flow.inflight < cwnd) {
      flow.send_pending = true;
      push(flow.next_send_us, kSend, index, 0);
    }
  }
}

void PathSimulation::transmit(size_t index, uint64_t sequence, bool again) {
  Flow& flow = *flows_[index];
  const uint64_t transmission = flow.first_transmission + flow.packets.size();
  if (flow.inflight == 0) flow.delivered_at_us = now_us_;
  flow.packets.push_back({sequence, now_us_, flow.delivered, flow.delivered_at_us, now_us_, again,
                          false, flow.answer_due && !again});
  if (!again) flow.answer_due = false;
  flow.inflight++;
  flow.sent++;
  if (again) flow.retransmitted++;
  if (flow.recovering) flow.sent_in_recovery++;
  if (!flow.timer_armed) {
    flow.timer_armed = true;
    flow.timer_at_us = now_us_ + flow.timeout();
    push(flow.timer_at_us, kTimer, index, 0);
  }
  if (shape_.loss > 0 && draw() < shape_.loss) return;
  const double wait = std::max(0.0, busy_until_us_ - now_us_);
  if (wait > 0 && wait + shape_.packet_us() > buffer_us_) return;
  queue_histogram_[std::min<size_t>(queue_histogram_.size() - 1, static_cast<size_t>(wait / 10))]++;
  const bool marked = flow.plan.echo != Echo::none && !again && shape_.ecn_threshold_ms > 0 &&
                      wait > shape_.ecn_threshold_ms * 1000;
  busy_until_us_ = std::max(now_us_, busy_until_us_) + shape_.packet_us();
  const double delay = (shape_.rtt_ms + flow.plan.extra_rtt_ms) * 500;
  double due =
      busy_until_us_ + delay + (shape_.jitter_ms > 0 ? draw() * shape_.jitter_ms * 1000 : 0);
  due = std::max(due, flow.last_due_us);
  flow.last_due_us = due;
  push(due, kArrive, index, transmission * 2 + (marked ? 1 : 0));
}

void PathSimulation::arrive(size_t index, uint64_t value) {
  Flow& flow = *flows_[index];
  const uint64_t transmission = value / 2;
  if (transmission < flow.first_transmission) return;
  const auto packet = flow.packets[transmission - flow.first_transmission];
  const bool changes = flow.plan.echo == Echo::accurate && flow.echoing != (value % 2 == 1);
  receive_mark(index, value % 2 == 1, packet.answer);
  flow.unreported.push_back(transmission);
  flow.unreported_count++;
  bool in_order = packet.sequence == flow.expected;
  if (packet.sequence >= flow.expected) {
    const size_t offset = packet.sequence - flow.expected;
    if (flow.have.size() <= offset) flow.have.resize(offset + 1);
    flow.have[offset] = 1;
    const bool holes = flow.have.size() > 1;
    while (!flow.have.empty() && flow.have.front()) {
      flow.have.pop_front();
      flow.expected++;
    }
    if (holes) in_order = false;
  }
  if (!in_order || changes || flow.unreported_count >= 2 || flow.expected >= flow.plan.packets)
    acknowledge(index);
  else
    push(now_us_ + kDelayedAckUs, kDelayedAck, index, flow.ack_epoch);
}

void PathSimulation::receive_mark(size_t index, bool marked, bool answer) {
  Flow& flow = *flows_[index];
  if (flow.plan.echo == Echo::accurate) {
    // Earlier packets are acknowledged with their own marks.
    if (flow.echoing != marked && flow.unreported_count > 0) acknowledge(index);
    flow.echoing = marked;
  } else if (flow.plan.echo == Echo::classic) {
    flow.echoing = (flow.echoing && !answer) || marked;
  }
}

void PathSimulation::acknowledge(size_t index) {
  Flow& flow = *flows_[index];
  flow.ack_epoch++;
  flow.unreported_count = 0;
  if (shape_.loss > 0 && draw() < shape_.loss) return;  // the next acknowledgement repeats it
  flow.reports.push_back({std::move(flow.unreported), flow.echoing});
  flow.unreported.clear();
  const double delay = (shape_.rtt_ms + flow.plan.extra_rtt_ms) * 500;
  double due = now_us_ + delay + (shape_.jitter_ms > 0 ? draw() * shape_.jitter_ms * 1000 : 0);
  due = std::max(due, flow.last_ack_due_us);
  flow.last_ack_due_us = due;
  push(due, kAckArrives, index, 0);
}

double PathSimulation::delivered_packets(size_t flow) const {
  return static_cast<double>(flows_[flow]->delivered);
}
uint64_t PathSimulation::sent_packets(size_t flow) const {
  return flows_[flow]->sent;
}
uint64_t PathSimulation::retransmitted(size_t flow) const {
  return flows_[flow]->retransmitted;
}
double PathSimulation::done_s(size_t flow) const {
  return flows_[flow]->done_us / 1e6;
}
const Controller& PathSimulation::controller(size_t flow) const {
  return *flows_[flow]->plan.controller;
}

double PathSimulation::queue_ms(double quantile) const {
  uint64_t all = 0;
  for (const uint32_t count : queue_histogram_) all += count;
  uint64_t seen = 0;
  for (size_t i = 0; i < queue_histogram_.size(); ++i) {
    seen += queue_histogram_[i];
    if (static_cast<double>(seen) >= quantile * static_cast<double>(all))
      return static_cast<double>(i) / 100;
  }
  return 0;
}

void PathSimulation::clear_queue() {
  std::fill(queue_histogram_.begin(), queue_histogram_.end(), 0);
}

double PathSimulation::queue_now_ms() const {
  return std::max(0.0, busy_until_us_ - now_us_) / 1000;
}

}  // namespace sluice::simulation
