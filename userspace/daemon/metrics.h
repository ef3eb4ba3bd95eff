// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Metrics for Prometheus, collected at each scrape: the kernel's counters as `sluice status` reads
// them, and the daemon's own statistics. docs/metrics.md lists all names.
#pragma once

#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <memory>
#include <string>
#include <vector>

#include "control/views.h"
#include "daemon/statistics.h"
#include "kernel/device/attach.h"
#include "kernel/instance/instance.h"

namespace sluice {

// The input of one scrape. Without `kernel_read` only `daemon` is valid.
struct MetricSources {
  std::optional<DaemonStatistics> daemon;
  std::vector<ServiceView> services;
  std::vector<VerdictCount> verdicts;  // of packets of no service
  std::vector<Attachment> attachments;
  std::vector<FlowRecord> flows;
  Capacities capacities;
  bool kernel_read = false;
};

// Pure.
[[nodiscard]] std::vector<prometheus::MetricFamily> metric_families(const MetricSources& sources);

// Serves /metrics over HTTP. prometheus-cpp runs threads of its own for it.
class MetricsEndpoint {
 public:
  // Fails if the port is taken, or the address is not this host's.
  static Result<std::unique_ptr<MetricsEndpoint>> open(const HostPort& at, std::string instance,
                                                       StatisticsChannel& channel);
  ~MetricsEndpoint();
  MetricsEndpoint(const MetricsEndpoint&) = delete;
  MetricsEndpoint& operator=(const MetricsEndpoint&) = delete;

  [[nodiscard]] const HostPort& at() const { return at_; }

 private:
  class Source;
  explicit MetricsEndpoint(HostPort at) : at_(at) {}

  HostPort at_;
  std::shared_ptr<Source> source_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace sluice
