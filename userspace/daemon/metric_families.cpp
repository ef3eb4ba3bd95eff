// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Names, units and labels of the metrics, by Prometheus' conventions
// (prometheus.io/docs/practices/naming).
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "daemon/metrics.h"

namespace sluice {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

class Family {
 public:
  Family(std::vector<MetricFamily>& all, MetricType type, std::string name, std::string help)
      : all_(all) {
    family_.name = "sluice_" + std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }
  ~Family() {
    if (!family_.metric.empty()) all_.push_back(std::move(family_));
  }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  template <typename Value>
  void add(Labels labels, Value value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (family_.type == MetricType::Counter)
      metric.counter.value = static_cast<double>(value);
    else
      metric.gauge.value = static_cast<double>(value);
    family_.metric.push_back(std::move(metric));
  }

 private:
  std::vector<MetricFamily>& all_;
  MetricFamily family_;
};

class Families {
 public:
  Family counter(std::string name, std::string help) {
    return Family(all_, MetricType::Counter, std::move(name), std::move(help));
  }
  Family gauge(std::string name, std::string help) {
    return Family(all_, MetricType::Gauge, std::move(name), std::move(help));
  }
  std::vector<MetricFamily> take() && { return std::move(all_); }

 private:
  std::vector<MetricFamily> all_;
};

Labels of_service(const ServiceView& view) {
  return {{"service", view.service.name}};
}

Labels of_backend(const ServiceView& view, const BackendView& one) {
  return {{"service", view.service.name}, {"backend", one.backend.at.text()}};
}

template <typename Take>
void each_backend(const MetricSources& sources, Take take) {
  for (const ServiceView& view : sources.services) {
    for (const BackendView& one : view.backends) take(view, one);
  }
}

void add_verdicts(Families& families, const MetricSources& sources) {
  Family packets = families.counter("verdict_packets_total",
                                    "Packets by verdict; service \"\": packets of no service.");
  Family bytes =
      families.counter("verdict_bytes_total", "Bytes by verdict, counted from the IP header on.");
  const auto add = [&](const std::string& service, const std::vector<VerdictCount>& counts) {
    for (const VerdictCount& count : counts) {
      const VerdictText text = verdict_text(count.verdict);
      const Labels labels{{"service", service},
                          {"verdict", std::string(text.name)},
                          {"action", std::string(action_text(text.action))}};
      packets.add(labels, count.packets);
      bytes.add(labels, count.bytes);
    }
  };
  add("", sources.verdicts);
  for (const ServiceView& view : sources.services) add(view.service.name, view.verdicts);
}

void add_services(Families& families, const MetricSources& sources) {
  Family info = families.gauge("service_info", "Always 1; the labels describe the service.");
  Family packets =
      families.counter("service_packets_total", "Packets sent to the service's backends.");
  Family bytes = families.counter("service_bytes_total", "Bytes sent to the service's backends.");
  Family connections = families.counter("service_connections_total",
                                        "Connections assigned to the service's backends.");
  Family slots = families.gauge("service_ring_slots", "Slots of the service's ring.");
  Family moving = families.gauge("service_moving_slots",
                                 "Slots whose flows are tracked until the slots settle.");
  Family tracked =
      families.gauge("service_tracked_flows", "Flows that are tracked for moving slots.");
  Family backends = families.gauge("service_backends", "Backends of the service by state.");
  for (const ServiceView& view : sources.services) {
    const Service& service = view.service;
    info.add({{"service", service.name},
              {"endpoint", service.endpoint.text()},
              {"mode", std::string(mode_text(service.mode))},
              {"affinity", std::string(affinity_text(service.affinity))}},
             1);
    packets.add(of_service(view), view.traffic.packets);
    bytes.add(of_service(view), view.traffic.bytes);
    connections.add(of_service(view), view.traffic.connections);
    slots.add(of_service(view), view.slots);
    moving.add(of_service(view), view.moving_slots);
    tracked.add(of_service(view), view.tracked_flows);
    std::map<std::string, size_t> states{{"up", 0}, {"draining", 0}, {"down", 0}, {"failing", 0}};
    for (const BackendView& one : view.backends) {
      const bool fails = one.backend.failing && one.backend.state != BackendState::down;
      states[fails ? "failing" : std::string(backend_state_text(one.backend.state))]++;
    }
    for (const auto& [state, count] : states) {
      backends.add({{"service", service.name}, {"state", state}}, count);
    }
  }
}

void add_backends(Families& families, const MetricSources& sources) {
  Family packets = families.counter("backend_packets_total", "Packets sent to the backend.");
  Family bytes = families.counter("backend_bytes_total", "Bytes sent to the backend.");
  Family connections =
      families.counter("backend_connections_total", "Connections assigned to the backend.");
  Family up = families.gauge("backend_up", "1: the backend takes new connections.");
  Family failing =
      families.gauge("backend_failing", "1: removed from the ring because its health checks fail.");
  Family weight = families.gauge("backend_weight", "The weight that the operator has set.");
  Family adapted =
      families.gauge("backend_adapted_weight_ratio", "Adapted weight as a ratio of the weight.");
  Family share =
      families.gauge("backend_share_ratio", "Ratio of the ring's slots that the backend has.");
  each_backend(sources, [&](const ServiceView& view, const BackendView& one) {
    const Labels labels = of_backend(view, one);
    const Backend& backend = one.backend;
    packets.add(labels, one.traffic.packets);
    bytes.add(labels, one.traffic.bytes);
    connections.add(labels, one.traffic.connections);
    up.add(labels, effective_state(backend) == BackendState::up && one.slots > 0 ? 1 : 0);
    failing.add(labels, backend.failing ? 1 : 0);
    weight.add(labels, backend.weight);
    adapted.add(labels, backend.adapted_permille == 0 ? 1.0 : backend.adapted_permille / 1000.0);
    const auto slots = static_cast<double>(one.slots);
    share.add(labels, view.slots == 0 ? 0.0 : slots / static_cast<double>(view.slots));
  });
}

template <typename Add>
void add_counts(const CheckCounts& counts, Add add) {
  add("passed", counts.passed);
  add("failed", counts.failed - counts.timed_out);
  add("timeout", counts.timed_out);
  add("unable", counts.unable);
}

void add_checks(Families& families, const DaemonStatistics& statistics) {
  Family totals = families.counter(
      "checks_total",
      "Health checks by kind and result; unable: this host could not send the check.");
  for (const auto& [kind, counts] : statistics.totals) {
    add_counts(counts, [&, kind = kind](const char* result, uint64_t count) {
      totals.add({{"kind", std::string(check_kind_text(kind))}, {"result", result}}, count);
    });
  }
  Family checks = families.counter("backend_checks_total", "Health checks of a backend by result.");
  Family failing =
      families.gauge("backend_check_failing",
                     "1: the backend's checks fail, whether or not it was removed from the ring.");
  Family took = families.gauge("backend_check_duration_seconds",
                               "Duration of the last check that did not time out.");
  for (const Progress& progress : statistics.progress) {
    const Labels labels{{"service", progress.name.first}, {"backend", progress.name.second}};
    add_counts(progress.counts, [&](const char* result, uint64_t count) {
      Labels with_result = labels;
      with_result.push_back({"result", result});
      checks.add(with_result, count);
    });
    failing.add(labels, progress.standing.failing ? 1 : 0);
    took.add(labels, static_cast<double>(progress.took_us) / 1e6);
  }
}

// Sums over the sockets of one service that our congestion control governs.
struct Governed {
  size_t flows = 0;
  double srtt_s = 0;
  double rate = 0;
  uint64_t inflight = 0;
  uint64_t retransmitted = 0;
};

void add_flows(Families& families, const MetricSources& sources) {
  std::map<std::string_view, size_t> tables{{"tracked", 0},    {"half_open", 0}, {"translated", 0},
                                            {"departures", 0}, {"paced", 0},     {"congestion", 0}};
  std::map<uint32_t, Governed> governed;
  for (const FlowRecord& flow : sources.flows) {
    if (flow.tracked) tables[flow.half_open ? "half_open" : "tracked"]++;
    if (flow.translation) tables["translated"]++;
    if (flow.departures) tables["departures"]++;
    if (flow.paced) tables["paced"]++;
    if (!flow.congestion) continue;
    tables["congestion"]++;
    Governed& sum = governed[flow.congestion->service];
    sum.flows++;
    sum.srtt_s += flow.congestion->srtt_us / 1e6;
    sum.rate += static_cast<double>(flow.congestion->delivery_rate_bytes_per_sec);
    sum.inflight += flow.congestion->inflight_packets;
    sum.retransmitted += flow.congestion->retransmitted_packets;
  }
  Family flows = families.gauge("flows", "Flows by the table that has an entry of them.");
  for (const auto& [table, count] : tables) flows.add({{"table", std::string(table)}}, count);

  Family sockets =
      families.gauge("congestion_flows", "Sockets that the congestion control governs.");
  Family srtt =
      families.gauge("congestion_round_trip_seconds", "Mean smoothed RTT of the governed sockets.");
  Family rate =
      families.gauge("congestion_delivery_bytes_per_second", "Sum of the sockets' delivery rates.");
  Family inflight =
      families.gauge("congestion_inflight_packets", "Sum of the sockets' packets in flight.");
  Family retransmitted = families.gauge("congestion_retransmitted_packets",
                                        "Packets that the open sockets have retransmitted so far.");
  for (const auto& [number, sum] : governed) {
    std::string name;
    for (const ServiceView& view : sources.services) {
      if (view.service.number == number) name = view.service.name;
    }
    const Labels labels{{"service", name}};
    sockets.add(labels, sum.flows);
    srtt.add(labels, sum.srtt_s / static_cast<double>(sum.flows));
    rate.add(labels, sum.rate);
    inflight.add(labels, sum.inflight);
    retransmitted.add(labels, sum.retransmitted);
  }
}

void add_instance(Families& families, const MetricSources& sources) {
  Family used = families.gauge("entries", "Entries in use, by kind.");
  Family room = families.gauge("entries_limit", "Capacity of the instance, by kind.");
  size_t backends = 0;
  size_t filters = 0;
  for (const ServiceView& view : sources.services) {
    backends += view.backends.size();
    filters += view.filters.size();
  }
  const auto add = [&](const char* kind, size_t count, uint32_t limit) {
    used.add({{"kind", kind}}, count);
    room.add({{"kind", kind}}, limit);
  };
  add("services", sources.services.size(), sources.capacities.services);
  add("backends", backends, sources.capacities.backends);
  add("filters", filters, sources.capacities.filters);
  Family attached = families.gauge(
      "attachment_present", "1: the component is attached to the device; 0: the device is gone.");
  for (const Attachment& each : sources.attachments) {
    attached.add({{"component", std::string(component_text(each.component))},
                  {"device", each.device},
                  {"mode", each.mode}},
                 each.gone ? 0 : 1);
  }
}

void add_process(Families& families) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  families.counter("daemon_cpu_seconds_total", "CPU time of sluice run, without its scripts.")
      .add({}, seconds(usage.ru_utime) + seconds(usage.ru_stime));
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0;
  uint64_t resident = 0;
  statm >> pages >> resident;
  families.gauge("daemon_resident_memory_bytes", "Resident memory of sluice run.")
      .add({}, resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
}

void add_advice(Families& families, const DaemonStatistics& statistics) {
  if (statistics.advice.empty()) return;
  Family response = families.gauge("backend_response_seconds",
                                   "Smoothed response time of the backend, as clients see it.");
  Family advised =
      families.gauge("backend_advised_weight_ratio",
                     "Weight that follows from the response times, as a ratio of the weight.");
  for (const Advice& advice : statistics.advice) {
    const Labels labels{{"service", advice.name.first}, {"backend", advice.name.second}};
    if (advice.response_us > 0) response.add(labels, advice.response_us / 1e6);
    advised.add(labels, advice.part);
  }
}

void add_daemon(Families& families, const DaemonStatistics& statistics) {
  families.gauge("daemon_file_valid", "1: the last version of the file is valid.")
      .add({}, statistics.file_valid ? 1 : 0);
  families.gauge("daemon_file_applied_timestamp_seconds", "Time when the file was last applied.")
      .add({}, statistics.file_applied);
  families.counter("daemon_changes_total", "Changes made by sluice run.")
      .add({}, statistics.changes);
  families
      .counter("daemon_errors_total", "Operations of sluice run that failed; they are tried again.")
      .add({}, statistics.errors);
  families.counter("daemon_settled_slots_total", "Slots settled by sluice run.")
      .add({}, statistics.settled_slots);
}

}  // namespace

std::vector<MetricFamily> metric_families(const MetricSources& sources) {
  Families families;
  families.gauge("kernel_read", "1: the instance could be read for this scrape.")
      .add({}, sources.kernel_read ? 1 : 0);
  if (sources.kernel_read) {
    add_verdicts(families, sources);
    add_services(families, sources);
    add_backends(families, sources);
    add_flows(families, sources);
    add_instance(families, sources);
  }
  if (sources.daemon) {
    add_checks(families, *sources.daemon);
    add_advice(families, *sources.daemon);
    add_daemon(families, *sources.daemon);
  }
  add_process(families);
  return std::move(families).take();
}

}  // namespace sluice
