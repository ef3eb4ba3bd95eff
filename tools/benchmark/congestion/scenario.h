// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One run of the congestion benchmark: a link, the flows on it, and the record of the run. Data
// only: cases.h has the catalogue, testbed.h runs a scenario, figures.h evaluates its record.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::benchmark {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The role of a flow in its scenario.
enum class Role { tested, rival, late, shorter, heavy, light, rated };

struct FlowSpec {
  Role role = Role::tested;
  std::string algorithm;
  milliseconds start{0};
  milliseconds stop{0};    // 0: at the end of the run
  uint64_t bytes = 0;      // the flow's size; 0: unlimited
  milliseconds detour{0};  // added to its round trip
};

struct Scenario {
  std::string name;       // of the case, like "four"
  std::string variant;    // its parameters within the case, like "1 BDP"
  std::string algorithm;  // of the judged flows
  double rate_mbit = 50;
  milliseconds rtt{40};
  double buffer_bdp = 1;
  double loss_percent = 0;
  milliseconds jitter{0};     // plus and minus, one-way
  bool ecn = false;           // negotiated; marks from a quarter of a BDP on
  double marked_from_ms = 0;  // with ecn, not 0: marks from this queueing delay on instead
  std::string receiver;       // the receiver's congestion control; empty: the machine's default
  milliseconds lasts{20'000};
  milliseconds warm_up{5'000};  // not evaluated
  std::vector<FlowSpec> flows;
  double target_mbit = 0;  // on the wire, of the flow with a rate policy
  uint64_t seed = 1;

  // Bytes of a bandwidth-delay product, as the link counts them.
  [[nodiscard]] double bdp_bytes() const {
    return rate_mbit * 1e6 / 8 * std::chrono::duration<double>(rtt).count();
  }
  // Payload that the link carries, in Mbit/s: packets of 1500 bytes hold 1448, with timestamps.
  [[nodiscard]] double ceiling_mbit() const { return rate_mbit * 1448 / 1500; }
};

// The state of a flow at one time.
struct Sample {
  double at_s = 0;
  uint64_t received_bytes = 0;  // by the receiving application
  uint32_t srtt_us = 0;
  uint32_t cwnd_packets = 0;
  uint32_t retransmitted_packets = 0;
  uint32_t sent_packets = 0;  // retransmissions included
  int state = -1;             // enum sluice_congestion_state; -1: another algorithm
};

struct FlowRecord {
  FlowSpec spec;
  double started_s = 0;
  double finished_s = 0;  // 0: not completed, or unlimited
  std::vector<Sample> samples;
  // Of sluice's flows only: how often each state was entered, and whether the flow took its peer's
  // marks to be accurate at the end.
  std::vector<uint64_t> states_entered;
  bool accurate_marks = false;
};

struct QueueSample {
  double at_s = 0;
  double delay_ms = 0;
};

struct Record {
  std::vector<FlowRecord> flows;
  std::vector<QueueSample> queue;
  // Of the data direction of the link, after the warm-up.
  double queue_mean_ms = 0, queue_p50_ms = 0, queue_p95_ms = 0, queue_p99_ms = 0;
  double late_p99_us = 0;     // the emulator's own error
  uint64_t dropped_full = 0;  // packets
  uint64_t marked = 0;        // packets
  uint64_t device_drops = 0;  // of the emulator's devices; if not 0, the figures are invalid
};

}  // namespace sluice::benchmark
