// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/metrics.h"

#include <prometheus/collectable.h>

#include <chrono>
#include <mutex>

namespace sluice {

// Reads the kernel at each scrape, except for the flows: reading millions of them takes long, so
// they are read at most every `flows_every`.
class MetricsEndpoint::Source : public prometheus::Collectable {
 public:
  Source(std::string instance, StatisticsChannel& channel)
      : instance_(std::move(instance)), channel_(channel) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    MetricSources sources;
    sources.daemon = channel_.request();
    read_kernel(sources);
    return metric_families(sources);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr auto flows_every = std::chrono::seconds(10);

  void read_kernel(MetricSources& sources) const {
    auto instance = Instance::open(instance_);
    if (!instance) return;
    auto services = service_views(instance->dataplane());
    auto verdicts = instance->dataplane().counters.verdicts(0);
    auto attached = attachments(*instance);
    if (!services || !verdicts || !attached) return;
    sources.services = std::move(*services);
    sources.verdicts = std::move(*verdicts);
    sources.attachments = std::move(*attached);
    sources.capacities = instance->dataplane().configuration.capacities();
    sources.flows = flows_of(*instance);
    sources.kernel_read = true;
  }

  std::vector<FlowRecord> flows_of(Instance& instance) const {
    const std::lock_guard lock(mutex_);
    if (!flows_read_ || Clock::now() - *flows_read_ >= flows_every) {
      auto flows = instance.flows();
      flows_ = flows ? std::move(*flows) : std::vector<FlowRecord>{};
      flows_read_ = Clock::now();
    }
    return flows_;
  }

  std::string instance_;
  StatisticsChannel& channel_;
  mutable std::mutex mutex_;
  mutable std::optional<Clock::time_point> flows_read_;
  mutable std::vector<FlowRecord> flows_;
};

Result<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::open(const HostPort& at,
                                                               std::string instance,
                                                               StatisticsChannel& channel) {
  std::unique_ptr<MetricsEndpoint> endpoint(new MetricsEndpoint(at));
  endpoint->source_ = std::make_shared<Source>(std::move(instance), channel);
  try {
    // Silent connections are closed soon, because there are only two threads.
    endpoint->exposer_ = std::make_unique<prometheus::Exposer>(
        std::vector<std::string>{"listening_ports", at.text(), "num_threads", "2",
                                 "request_timeout_ms", "5000", "keep_alive_timeout_ms", "500"});
  } catch (const std::exception& exception) {
    return failed("metrics at {}: cannot listen there ({}); is the port taken?", at.text(),
                  exception.what());
  }
  endpoint->exposer_->RegisterCollectable(endpoint->source_);
  return endpoint;
}

MetricsEndpoint::~MetricsEndpoint() = default;

}  // namespace sluice
