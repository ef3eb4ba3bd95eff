// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/pace/gaps.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace sluice::benchmark {
namespace {

// Nearest rank.
double quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

double rate_of(const std::vector<arrival>& packets) {
  // Without the last packet, whose transmission time lies after the interval.
  uint64_t bytes = 0;
  for (size_t i = 0; i + 1 < packets.size(); i++) bytes += packets[i].bytes;
  const uint64_t took_ns = packets.back().at_ns - packets.front().at_ns;
  return took_ns == 0 ? 0 : static_cast<double>(bytes) * 1e9 / static_cast<double>(took_ns);
}

void add_gaps(const std::vector<arrival>& packets, double rate, std::vector<double>& gaps) {
  for (size_t i = 0; i + 1 < packets.size(); i++) {
    const arrival& one = packets[i];
    const double segment_ns = 1e9 * one.bytes / one.segments / rate;
    gaps.insert(gaps.end(), one.segments - 1, 0.0);
    gaps.push_back(static_cast<double>(packets[i + 1].at_ns - one.at_ns) / segment_ns);
  }
}

}  // namespace

Arrivals arrivals_between(const std::vector<arrival>& log, uint64_t from_ns, uint64_t to_ns,
                          double flow_rate_bytes_per_sec) {
  Arrivals out;
  std::map<uint32_t, std::vector<arrival>> flows;
  std::vector<double> sizes;
  for (const arrival& one : log) {
    if (one.at_ns < from_ns || one.at_ns >= to_ns) continue;
    flows[one.flow].push_back(one);
    out.packets += one.segments;
    out.bytes += one.bytes;
    sizes.push_back(static_cast<double>(one.bytes) / one.segments);
  }
  std::sort(sizes.begin(), sizes.end());
  out.packet_bytes = quantile(sizes, 0.5);

  std::vector<double> gaps;
  for (const auto& [flow, packets] : flows) {
    if (packets.size() < 2) continue;
    const double rate = rate_of(packets);
    out.flows.push_back({flow, rate});
    add_gaps(packets, flow_rate_bytes_per_sec > 0 ? flow_rate_bytes_per_sec : rate, gaps);
  }
  std::sort(gaps.begin(), gaps.end());
  out.gaps = {quantile(gaps, 0.01), quantile(gaps, 0.5), quantile(gaps, 0.99), quantile(gaps, 1)};
  return out;
}

std::vector<arrival> as_one_flow(std::vector<arrival> log) {
  for (arrival& one : log) one.flow = 0;
  return log;
}

}  // namespace sluice::benchmark
