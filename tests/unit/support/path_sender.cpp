// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The sender's side of the path simulation: acknowledgements, loss detection, the retransmission
// timer.
#include <algorithm>
#include <cmath>

#include "unit/support/path_flow.h"

namespace sluice::simulation {

bool PathSimulation::Flow::deliver(const Report& report, double now_us, AckEvent& ack) {
  uint64_t prior_delivered = 0;
  double send_elapsed = 0;
  double prior_at = 0;
  bool round_candidate = false;
  for (const uint64_t transmission : report.transmissions) {
    if (transmission < first_transmission) continue;
    auto& packet = packets[transmission - first_transmission];
    highest = std::max(highest, transmission + 1);
    if (!packet.done) {
      packet.done = true;
      inflight--;
    }
    if (packet.sequence < una || received[packet.sequence - una]) continue;
    received[packet.sequence - una] = 1;
    // Packets declared lost that arrived nevertheless are not retransmitted.
    const auto pending = std::find(lost.begin(), lost.end(), packet.sequence);
    if (pending != lost.end()) lost.erase(pending);
    delivered++;
    ack.delivered++;
    if (!packet.again) ack.rtt_us = now_us - packet.sent_us;
    prior_delivered = packet.delivered_then;
    prior_at = packet.delivered_at_us;
    send_elapsed = packet.sent_us - packet.delivered_at_us;
    if (packet.delivered_then >= round_ends) round_candidate = true;
  }
  if (ack.delivered > 0) {
    const double interval = std::max(now_us - prior_at, send_elapsed);
    if (interval > 0)
      ack.delivery_rate = static_cast<double>(delivered - prior_delivered) / interval;
    delivered_at_us = now_us;
    backoff = 0;
  }
  return round_candidate;
}

void PathSimulation::Flow::advance(AckEvent& ack) {
  const uint64_t una_before = una;
  while (!received.empty() && received.front()) {
    received.pop_front();
    una++;
  }
  ack.advanced = una != una_before;
  ack.missing = static_cast<uint32_t>(delivered - una);
  ack.acknowledged = una;
  ack.next = next;
  if (ack.rtt_us > 0) {
    const double error = std::abs(ack.rtt_us - srtt_us);
    srtt_us += (ack.rtt_us - srtt_us) / 8;
    rttvar_us += (error - rttvar_us) / 4;
  }
}

// A transmission is lost if three later ones have arrived: the path keeps order.
void PathSimulation::Flow::find_losses(AckEvent& ack) {
  const uint64_t edge = highest > 3 ? highest - 3 : 0;
  for (uint64_t t = first_transmission; t < edge; ++t) {
    auto& packet = packets[t - first_transmission];
    if (packet.done) continue;
    packet.done = true;
    inflight--;
    if (packet.sequence >= una && !received[packet.sequence - una]) {
      ack.lost++;
      lost.insert(std::upper_bound(lost.begin(), lost.end(), packet.sequence), packet.sequence);
    }
  }
  while (!packets.empty() && packets.front().done && first_transmission < edge) {
    packets.pop_front();
    first_transmission++;
  }
}

void PathSimulation::on_ack(size_t index) {
  Flow& flow = *flows_[index];
  const Flow::Report report = std::move(flow.reports.front());
  flow.reports.pop_front();
  AckEvent ack;
  ack.now_us = now_us_;
  const bool round_candidate = flow.deliver(report, now_us_, ack);
  ack.marked = report.echo ? ack.delivered : 0;
  flow.advance(ack);
  flow.find_losses(ack);
  ack.inflight = flow.inflight;
  if (round_candidate && now_us_ - flow.round_began_us >= 10000) {
    ack.round_ended = true;
    flow.round_ends = flow.delivered;
    flow.round_began_us = now_us_;
  }
  ack.filled = flow.window_limited;
  flow.window_limited = false;
  if ((flow.recovering || flow.timed_out) && flow.una >= flow.recovery_ends) {
    flow.recovering = flow.timed_out = false;
    flow.plan.controller->on_repaired();
  }
  if (!flow.recovering && !flow.timed_out && (ack.lost > 0 || ack.marked > 0)) {
    flow.recovering = true;
    flow.recovery_ends = flow.next;
    flow.prior_cwnd = flow.plan.controller->cwnd();
    flow.sent_in_recovery = 0;
    flow.answer_due = flow.plan.echo != Echo::none;
    flow.plan.controller->on_recovery(ack);
  }
  ack.prior_cwnd = flow.prior_cwnd;
  ack.sent_in_recovery = flow.sent_in_recovery;
  flow.plan.controller->on_ack(ack);
  flow.timer_at_us = now_us_ + flow.timeout();
  if (flow.una >= flow.plan.packets && flow.done_us == 0) flow.done_us = now_us_;
  try_send(index);
}

void PathSimulation::on_timer(size_t index) {
  Flow& flow = *flows_[index];
  flow.timer_armed = false;
  if (flow.una == flow.next) return;
  if (now_us_ < flow.timer_at_us) {
    flow.timer_armed = true;
    push(flow.timer_at_us, kTimer, index, 0);
    return;
  }
  flow.backoff++;
  for (auto& packet : flow.packets) {
    if (packet.done) continue;
    packet.done = true;
    flow.inflight--;
  }
  flow.lost.clear();
  for (size_t i = 0; i < flow.received.size(); ++i)
    if (!flow.received[i]) flow.lost.push_back(flow.una + i);
  flow.recovering = false;
  flow.timed_out = true;
  flow.answer_due = flow.plan.echo != Echo::none;
  flow.recovery_ends = flow.next;
  flow.plan.controller->on_timeout();
  flow.plan.controller->set_cwnd(1);
  flow.next_send_us = now_us_;
  flow.timer_armed = true;
  flow.timer_at_us = now_us_ + flow.timeout();
  push(flow.timer_at_us, kTimer, index, 0);
  try_send(index);
}

}  // namespace sluice::simulation
