// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "linkem/report.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace sluice::linkem {

using nlohmann::ordered_json;

namespace {

double milliseconds(nanoseconds value) {
  return static_cast<double>(value.count()) / 1e6;
}

// The mean and percentiles of a histogram in units of `unit_microseconds`.
ordered_json percentiles(const Histogram& histogram, double unit_microseconds) {
  ordered_json json;
  json["mean"] = histogram.mean_microseconds() / unit_microseconds;
  for (const auto& [name, permille] : {std::pair{"p50", 500U},
                                       {"p90", 900U},
                                       {"p95", 950U},
                                       {"p99", 990U},
                                       {"p999", 999U},
                                       {"max", 1000U}}) {
    json[name] = static_cast<double>(histogram.quantile(permille).count()) / unit_microseconds;
  }
  return json;
}

}  // namespace

ordered_json direction_report(const Direction& direction, const Result<uint64_t>& device_drops) {
  const Tally& tally = direction.tally();
  ordered_json json;
  json["offered_packets"] = tally.offered_packets;
  json["offered_bytes"] = tally.offered_bytes;
  json["delivered_packets"] = tally.delivered_packets;
  json["delivered_bytes"] = tally.delivered_bytes;
  json["dropped_full"] = tally.dropped_full;
  json["dropped_random"] = tally.dropped_random;
  json["marked"] = tally.marked;
  json["under_way"] = direction.in_flight();
  json["refused"] = tally.refused;
  json["device_drops"] = device_drops ? ordered_json(*device_drops) : ordered_json();
  json["queue_delay_ms"] = percentiles(tally.queued, 1000);
  json["late_us"] = percentiles(tally.late, 1);
  return json;
}

ordered_json shape_report(const LinkShape& shape, uint64_t seed) {
  ordered_json json;
  json["rate_mbit"] = static_cast<double>(shape.rate_bytes_per_sec) * 8 / 1e6;
  json["delay_ms"] = milliseconds(shape.delay);
  json["jitter_ms"] = milliseconds(shape.jitter);
  json["buffer_bytes"] = shape.buffer_bytes;
  json["ecn_threshold_bytes"] =
      shape.ecn_threshold_bytes ? ordered_json(*shape.ecn_threshold_bytes) : ordered_json();
  json["loss_percent"] = shape.loss * 100;
  json["seed"] = seed;
  return json;
}

Result<void> write_report(const std::string& path, const ordered_json& report) {
  const std::string fresh = path + ".new";
  std::ofstream file(fresh);
  file << report.dump(2) << '\n';
  file.close();
  if (!file || std::rename(fresh.c_str(), path.c_str()) != 0) {
    return failed("report {}: {}", path, strerror(errno));
  }
  return {};
}

}  // namespace sluice::linkem
