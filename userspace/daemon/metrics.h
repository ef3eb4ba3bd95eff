// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What Prometheus is told, put together when it asks: the kernel's counters as `sluice status`
// reads them, and the daemon's own figures. docs/metrics.md has every name.
#pragma once

#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <memory>
#include <string>
#include <vector>

#include "control/views.h"
#include "daemon/figures.h"
#include "kernel/device/attach.h"
#include "kernel/instance/instance.h"

namespace sluice {

// Everything that a scrape shows. The kernel's part is missing when it could not be read.
struct MetricSources {
  std::optional<DaemonFigures> daemon;
  std::vector<ServiceView> services;
  std::vector<VerdictCount> verdicts;  // of no service
  std::vector<Attachment> attachments;
  std::vector<FlowRecord> flows;
  Capacities capacities;
  bool kernel_read = false;
};

// Pure.
[[nodiscard]] std::vector<prometheus::MetricFamily> metric_families(const MetricSources& sources);

// The endpoint, at /metrics, on threads of its own.
class MetricsEndpoint {
 public:
  // A port that is taken, an address that is not this host's: an error.
  static Result<std::unique_ptr<MetricsEndpoint>> open(const HostPort& at, std::string instance,
                                                       FiguresExchange& exchange);
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
