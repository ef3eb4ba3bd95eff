// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Named figures from the record of a run. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "benchmark/congestion/scenario.h"

namespace sluice::benchmark {

// Goodputs in Mbit/s, delays in ms, shares in percent; "jain" and "ratio" are pure numbers. The
// roles of the scenario's flows decide which figures exist:
//   utilisation    all flows' share of the link's capacity, after the warm-up
//   queue_p50_ms, queue_p95_ms, queue_p99_ms, queue_mean_ms   per packet, after the warm-up
//   retransmitted  share of the judged flows' packets, whole run
//   jain           Jain's index of several judged flows (Jain, Chiu, Hawe 1984)
//   least          goodput of the slowest of several judged flows, of its fair share
//   share          judged flows' share of all goodput, beside rivals
//   share_met      with intermittent rivals: share while one is there
//   alone_utilisation, alone_queue_p95_ms   with intermittent rivals: from 2 s after one has left
//   late           goodput of the late flow, of its fair share, 10 to 20 s after its start
//   ratio          heavy to light, from 30 s on
//   rate           rate on the wire, of the policy's rate
//   done_p50_ms, done_p95_ms, done   completion times of short flows, and the completed share
using Figures = std::map<std::string, double>;

[[nodiscard]] Figures figures_of(const Scenario& scenario, const Record& record);

// Goodput between two times in Mbit/s, interpolated between samples.
[[nodiscard]] double goodput_mbit(const FlowRecord& flow, double from_s, double to_s);

// 1: all equal; 1/n: one flow has everything. 1 if there is no goodput.
[[nodiscard]] double jain_index(const std::vector<double>& goodputs);

// Nearest rank; 0 if empty.
[[nodiscard]] double quantile(std::vector<double> values, double share);

// The median of each figure over the seeds of one scenario.
[[nodiscard]] Figures medians(const std::vector<Figures>& seeds);

}  // namespace sluice::benchmark
