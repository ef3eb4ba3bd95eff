// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Services, backends and policies as JSON and as tables.
#include "cli/service_output.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/backend_output.h"
#include "cli/policy_output.h"
#include "unit/support/output_sample.h"

namespace sluice::sample {
namespace {

TEST(ServiceOutput, ServiceHasItsBackendsPolicyAndVerdicts) {
  const Json document = service_json(web());
  EXPECT_EQ(keys(document),
            (Names{"service",     "endpoint",    "mode",           "gue_variant",   "affinity",
                   "quic",        "mss",         "idle_timeout_s", "udp_timeout_s", "number",
                   "removing",    "slots",       "moving_slots",   "tracked_flows", "policy",
                   "filters",     "weights",     "packets",        "bytes",         "connections",
                   "flow_totals", "backends_up", "backends",       "verdicts"}));
  EXPECT_EQ(document["service"], "web");
  EXPECT_EQ(document["endpoint"], web_endpoint);
  EXPECT_EQ(document["mode"], "snat");
  EXPECT_EQ(document["moving_slots"], 16);
  EXPECT_EQ(document["backends_up"], 1);
  EXPECT_EQ(document["backends"].size(), 2);
  EXPECT_EQ(document["verdicts"].size(), 2);
}

TEST(ServiceOutput, NumbersAreExactAndNotRounded) {
  EXPECT_EQ(service_json(web())["bytes"].dump(), "5000000000");
  EXPECT_EQ(service_json(web())["policy"]["flow_rate_bytes_per_sec"].dump(), "6250000");
}

TEST(ServiceOutput, BackendHasItsShareOfTheSlots) {
  const ServiceView view = web();
  const Json document = backend_json(view, view.backends[0]);
  EXPECT_EQ(keys(document), (Names{"service", "backend", "number", "weight", "state", "removing",
                                   "failing", "adapted_permille", "slots", "share_percent",
                                   "packets", "bytes", "connections"}));
  EXPECT_EQ(document["backend"], backend_one);
  EXPECT_EQ(document["slots"], 192);
  EXPECT_EQ(document["share_percent"], 75.0);
  EXPECT_EQ(backend_json(view, view.backends[1])["state"], "draining");
}

TEST(ServiceOutput, UnsetLimitIsNull) {
  const Json document = policy_json("web", {.flow_rate_bytes_per_sec = 0, .window_bytes = 262144});
  EXPECT_TRUE(document["flow_rate_bytes_per_sec"].is_null());
  EXPECT_EQ(document["window_bytes"], 262144);
  ServiceView view = web();
  view.policy.reset();
  EXPECT_TRUE(service_json(view)["policy"].is_null());
}

TEST(ServiceOutput, BackendsAreATableWithTheirShares) {
  std::ostringstream out;
  print_backends(out, {web()});
  EXPECT_EQ(out.str(),
            "SERVICE  BACKEND         WEIGHT  STATE      SHARE  CONNECTIONS  PACKETS    BYTES\n"
            "web      10.0.0.11:8443     300  up        75.0 %            2       20  2.0 KiB\n"
            "web      10.0.0.12:8443     100  draining  25.0 %            1       10   1000 B\n");
}

}  // namespace
}  // namespace sluice::sample
