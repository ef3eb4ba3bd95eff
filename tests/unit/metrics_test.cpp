// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Metrics: names follow Prometheus' conventions, each is documented, and the dashboard and the alerts
// use existing ones.
#include "daemon/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace sluice {
namespace {

using testing::HasSubstr;

// At least one sample of every metric.
MetricSources everything() {
  ServiceView web;
  web.service.name = "web";
  web.service.number = 1;
  web.service.endpoint = Endpoint::parse("203.0.113.10:443/tcp").value();
  web.slots = 256;
  web.traffic = {10, 2000, 3};
  Backend backend;
  backend.service = 1;
  backend.at = HostPort::parse("10.0.0.11:443").value();
  backend.failing = true;
  backend.adapted_permille = 333;
  web.backends.push_back({backend, 64, {10, 2000, 3}});
  web.verdicts.push_back({SLUICE_VERDICT_NO_BACKEND, 7, 420});
  FlowRecord flow;
  flow.congestion = sluice_congestion_flow{};
  flow.congestion->service = 1;
  flow.congestion->srtt_us = 2000;
  MetricSources sources;
  sources.services = {web};
  sources.flows = {flow};
  Attachment attachment;
  attachment.component = Component::steer;
  attachment.device = "eth0";
  attachment.mode = "native";
  sources.attachments = {attachment};
  sources.capacities = {.services = 1024, .backends = 16384, .filters = 65536, .flows = 262144};
  sources.kernel_read = true;
  DaemonStatistics statistics;
  Progress progress;
  progress.name = {"web", "10.0.0.11:443"};
  progress.standing.failing = true;
  progress.counts = {.passed = 5, .failed = 3, .timed_out = 2, .unable = 1};
  progress.took_us = 1500;
  statistics.progress = {progress};
  statistics.totals[CheckKind::tcp] = progress.counts;
  statistics.advice = {{.name = {"web", "10.0.0.11:443"}, .response_us = 12000, .part = 0.333}};
  sources.daemon = statistics;
  return sources;
}

std::set<std::string> names() {
  std::set<std::string> all;
  for (const auto& family : metric_families(everything())) all.insert(family.name);
  return all;
}

std::string file(const std::string& path) {
  std::ifstream stream(std::string(SLUICE_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(stream) << path;
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::set<std::string> names_in(const std::string& text) {
  const std::regex name("sluice_[a-z_]+");
  std::set<std::string> all;
  for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at)
    all.insert(at->str());
  return all;
}

TEST(Metrics, SamplesHaveTheirValuesAndLabels) {
  const std::string text = prometheus::TextSerializer().Serialize(metric_families(everything()));
  for (const char* line :
       {"sluice_service_packets_total{service=\"web\"} 10",
        "sluice_backend_up{service=\"web\",backend=\"10.0.0.11:443\"} 0",
        "sluice_backend_failing{service=\"web\",backend=\"10.0.0.11:443\"} 1",
        "sluice_backend_adapted_weight_ratio{service=\"web\",backend=\"10.0.0.11:443\"} 0.333",
        "sluice_backend_share_ratio{service=\"web\",backend=\"10.0.0.11:443\"} 0.25",
        "sluice_verdict_packets_total{service=\"web\",verdict=\"no_backend\",action=\"drop\"} 7",
        "sluice_checks_total{kind=\"tcp\",result=\"failed\"} 1",
        "sluice_checks_total{kind=\"tcp\",result=\"timeout\"} 2",
        "sluice_flows{table=\"congestion\"} 1",
        "sluice_service_backends{service=\"web\",state=\"failing\"} 1",
        "sluice_congestion_round_trip_seconds{service=\"web\"} 0.002",
        "# TYPE sluice_service_packets_total counter", "# TYPE sluice_backend_up gauge"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Metrics, OnlyCountersEndInTotal) {
  for (const auto& family : metric_families(everything())) {
    EXPECT_EQ(family.type == prometheus::MetricType::Counter, family.name.ends_with("_total"))
        << family.name;
    EXPECT_FALSE(family.help.empty()) << family.name;
  }
}

TEST(Metrics, WithoutTheKernelOnlyTheDaemonsMetricsRemain) {
  MetricSources sources = everything();
  sources.kernel_read = false;
  const std::string text = prometheus::TextSerializer().Serialize(metric_families(sources));
  EXPECT_THAT(text, HasSubstr("sluice_kernel_read 0"));
  EXPECT_THAT(text, HasSubstr("sluice_daemon_file_valid 1"));
  EXPECT_THAT(text, testing::Not(HasSubstr("sluice_service_")));
}

// The page shortens names that share a prefix with the name before: `_bytes_total`.
TEST(Metrics, EveryMetricIsDocumented) {
  const std::string text = file("docs/metrics.md");
  for (const std::string& name : names()) {
    std::string shortened = name;
    for (const char* prefix : {"sluice_service", "sluice_backend"}) {
      const std::string ending = name.substr(std::min(name.size(), std::string(prefix).size()));
      if (name.starts_with(prefix) && text.find("`" + ending + "`") != std::string::npos)
        shortened = ending;
    }
    EXPECT_THAT(text, HasSubstr("`" + shortened + "`")) << name;
  }
}

TEST(Metrics, DashboardAndAlertsUseExistingMetrics) {
  const std::set<std::string> known = names();
  for (const char* path :
       {"packaging/grafana/sluice.json", "packaging/prometheus/sluice.rules.yaml"}) {
    for (const std::string& name : names_in(file(path))) {
      EXPECT_TRUE(known.contains(name)) << path << ": " << name;
    }
  }
}

}  // namespace
}  // namespace sluice
