// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a run was worth, as figures with names. Pure: records in, figures out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "benchmark/congestion/scenario.h"

namespace sluice::benchmark {

// Goodputs in Mbit/s, delays in ms, shares in percent, but "jain" and "ratio". Which there are
// depends on the roles of the scenario's flows:
//   utilisation    of what the link can carry, by all flows, after the warm-up
//   queue_p50_ms, queue_p95_ms, queue_p99_ms, queue_mean_ms   after the warm-up, each packet counts
//   retransmitted  of the judged flows' packets, in the whole run
//   jain           of the judged flows, where there are several (Jain, Chiu, Hawe 1984)
//   least          the slowest judged flow's part of its fair share, where there are several
//   share          of the judged flows in all that was carried, where there are rivals
//   share_met, alone_utilisation, alone_queue_p95_ms   where rivals come and go: share while one
//   was
//                  there, and what was made of the link from 2 s after it had left
//   late           the latecomer's part of its fair share, from 10 s after its start to 20 s
//   ratio          heavy to light, from 30 s on
//   rate           of the policy's, on the wire
//   done_p50_ms, done_p95_ms, done   completion of short flows, and how many of them completed
using Figures = std::map<std::string, double>;

[[nodiscard]] Figures figures_of(const Scenario& scenario, const Record& record);

// Goodput between two moments, in Mbit/s; what lies between two samples is interpolated.
[[nodiscard]] double goodput_mbit(const FlowRecord& flow, double from_s, double to_s);

// 1: all equal; 1/n: one has everything. 1 also where there is nothing to share.
[[nodiscard]] double jain_index(const std::vector<double>& goodputs);

// Nearest rank; 0 of nothing.
[[nodiscard]] double quantile(std::vector<double> values, double share);

// Of each figure, over the seeds of one scenario.
[[nodiscard]] Figures medians(const std::vector<Figures>& seeds);

}  // namespace sluice::benchmark
