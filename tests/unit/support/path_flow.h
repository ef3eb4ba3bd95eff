// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// State of one flow of the path simulation, both ends; internal to the simulation.
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "unit/support/path_simulation.h"

namespace sluice::simulation {

enum PathEvent { kSend, kArrive, kDelayedAck, kAckArrives, kTimer, kStart };

inline constexpr double kLeastTimeoutUs = 200000;

struct PathSimulation::Flow {
  struct Packet {  // one transmission
    uint64_t sequence;
    double sent_us;
    uint64_t delivered_then;
    double delivered_at_us;
    double first_sent_us;
    bool again;
    bool done;
    bool answer;  // tells the receiver that the sender received an echo (CWR)
  };
  FlowPlan plan;
  bool started = false;
  // sender
  uint64_t next = 0;  // sequence
  uint64_t una = 0;
  std::deque<Packet> packets;  // transmissions from first_transmission on
  uint64_t first_transmission = 0;
  std::deque<uint8_t> received;  // sequences from una on, as the sender knows
  std::deque<uint64_t> lost;     // sequences to retransmit
  uint32_t inflight = 0;
  uint64_t delivered = 0;
  double delivered_at_us = 0;
  uint64_t highest = 0;  // transmission known to have arrived, plus one
  uint64_t retransmitted = 0;
  uint64_t sent = 0;
  bool recovering = false;
  bool timed_out = false;
  uint64_t recovery_ends = 0;
  uint32_t prior_cwnd = 0;
  uint32_t sent_in_recovery = 0;
  uint64_t round_ends = 0;
  double round_began_us = 0;
  bool window_limited = false;
  double next_send_us = 0;
  bool send_pending = false;
  double srtt_us = 0;
  double rttvar_us = 0;
  double timer_at_us = 0;
  bool timer_armed = false;
  int backoff = 0;
  double done_us = 0;
  bool answer_due = false;
  // receiver
  std::vector<uint64_t> unreported;  // transmissions
  uint32_t unreported_count = 0;
  bool echoing = false;
  uint64_t expected = 0;
  std::deque<uint8_t> have;
  uint64_t ack_epoch = 0;
  double last_due_us = 0;
  double last_ack_due_us = 0;
  struct Report {
    std::vector<uint64_t> transmissions;
    bool echo;
  };
  std::deque<Report> reports;

  // An acknowledgement, in three steps. True: it may end a round.
  bool deliver(const Report& report, double now_us, AckEvent& ack);
  void advance(AckEvent& ack);
  void find_losses(AckEvent& ack);

  [[nodiscard]] double timeout() const {
    const double rto = srtt_us > 0 ? srtt_us + std::max(4 * rttvar_us, kLeastTimeoutUs) : 1e6;
    return rto * static_cast<double>(1U << std::min(backoff, 6));
  }
};

}  // namespace sluice::simulation
