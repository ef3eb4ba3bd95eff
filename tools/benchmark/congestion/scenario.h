// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What one run of the congestion benchmark is: a link, the flows that meet on it, and what is
// looked at. Plain data; cases.h has the catalogue, testbed.h carries a run out, figures.h judges
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::benchmark {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What a flow is in its scenario.
enum class Role { tested, rival, late, shorter, heavy, light, rated };

struct FlowSpec {
  Role role = Role::tested;
  std::string algorithm;
  milliseconds start{0};
  milliseconds stop{0};    // 0: at the end
  uint64_t bytes = 0;      // then it ends by itself; 0: as much as it can
  milliseconds detour{0};  // added to its round trip
};

struct Scenario {
  std::string name;       // of the case, like "four"
  std::string variant;    // what tells it from the others of its case, like "1 BDP"
  std::string algorithm;  // of the flows that are judged
  double rate_mbit = 50;
  milliseconds rtt{40};
  double buffer_bdp = 1;
  double loss_percent = 0;
  milliseconds jitter{0};     // plus and minus so much, one way
  bool ecn = false;           // negotiated, and marked from a quarter of a BDP on,
  double marked_from_ms = 0;  // or, if this is not 0, from a queue of so long on
  std::string receiver;       // the receiving end's congestion control; empty: the machine's own
  milliseconds lasts{20'000};
  milliseconds warm_up{5'000};  // not looked at
  std::vector<FlowSpec> flows;
  double target_mbit = 0;  // on the wire, of the flow whose rate a policy sets
  uint64_t seed = 1;

  // Bytes of a bandwidth-delay product, as the link counts them.
  [[nodiscard]] double bdp_bytes() const {
    return rate_mbit * 1e6 / 8 * std::chrono::duration<double>(rtt).count();
  }
  // Payload that the link carries, in Mbit/s: packets of 1500 bytes hold 1448, with timestamps.
  [[nodiscard]] double ceiling_mbit() const { return rate_mbit * 1448 / 1500; }
};

// What a flow was like at one moment.
struct Sample {
  double at_s = 0;
  uint64_t received_bytes = 0;  // by the application at the other end
  uint32_t srtt_us = 0;
  uint32_t cwnd_packets = 0;
  uint32_t retransmitted_packets = 0;
  uint32_t sent_packets = 0;  // with retransmissions
  int state = -1;             // enum sluice_congestion_state; -1: not one of ours
};

struct FlowRecord {
  FlowSpec spec;
  double started_s = 0;
  double finished_s = 0;  // 0: it did not, or was not to
  std::vector<Sample> samples;
  std::vector<uint64_t> states_entered;  // of ours: how often each
  bool accurate_marks = false;           // of ours: so it took its peer's to be, at the end
};

struct QueueSample {
  double at_s = 0;
  double delay_ms = 0;
};

struct Record {
  std::vector<FlowRecord> flows;
  std::vector<QueueSample> queue;
  // Of the link's direction with the data, from the end of the warm-up.
  double queue_mean_ms = 0, queue_p50_ms = 0, queue_p95_ms = 0, queue_p99_ms = 0;
  double late_p99_us = 0;     // the emulator's own error
  uint64_t dropped_full = 0;  // packets
  uint64_t marked = 0;        // packets
  uint64_t device_drops =
      0;  // of the emulator's devices: not 0, and the figures are not the link's
};

}  // namespace sluice::benchmark
