// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which mechanism keeps a policy's limits, where, and why (control/enforcement.h).
#include "control/enforcement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

namespace sluice {
namespace {

const PacedDevice with_fq{"eth0", "fq", true};
const PacedDevice without_fq{"eth1", "noqueue", false};

Service service_of(L4Proto l4_proto) {
  Service service;
  service.name = "web";
  service.endpoint.l4_proto = l4_proto;
  return service;
}

// "limit: mechanism at where", line by line.
std::string found(const Policy& policy, const Enforcers& enforcers,
                  L4Proto l4_proto = L4Proto::tcp) {
  std::string text;
  for (const auto& each : enforcements_of(service_of(l4_proto), policy, enforcers)) {
    EXPECT_FALSE(each.why.empty());
    text += fmt::format("{}: {}{}{}\n", each.limit, each.mechanism,
                        each.where.empty() ? "" : " at ", each.where);
  }
  return text;
}

TEST(Enforcement, ARateIsEnforcedByDepartureTimesOnADeviceWithFq) {
  const Policy policy{.flow_rate_bytes_per_sec = 1000, .rate_bytes_per_sec = 5000};
  EXPECT_EQ(found(policy, {.steered = {}, .paced = {with_fq}, .congestion = {}}),
            "flow rate: departure times at eth0\n"
            "rate: departure times at eth0\n");
}

TEST(Enforcement, WithoutFqSocketsPaceThemselvesAndTheRestIsPoliced) {
  const Policy policy{.flow_rate_bytes_per_sec = 1000};
  const Enforcers enforcers{
      .steered = {}, .paced = {without_fq}, .sockets = true, .congestion = {}};
  EXPECT_EQ(found(policy, enforcers),
            "flow rate: socket pacing at eth1\n"
            "flow rate: policing at eth1\n");
  EXPECT_EQ(found(policy, enforcers, L4Proto::udp), "flow rate: policing at eth1\n");
  const auto why = enforcements_of(service_of(L4Proto::udp), policy, enforcers).at(0).why;
  EXPECT_NE(why.find("noqueue, not fq"), std::string::npos) << why;
}

TEST(Enforcement, EachDeviceHasItsOwnMechanism) {
  const Policy policy{.flow_rate_bytes_per_sec = 1000};
  EXPECT_EQ(found(policy, {.steered = {}, .paced = {with_fq, without_fq}, .congestion = {}}),
            "flow rate: departure times at eth0\n"
            "flow rate: policing at eth1\n");
}

TEST(Enforcement, AWindowIsLoweredBySteerAndByPaceAndObeyedByTheCongestionControl) {
  const Enforcers enforcers{
      .steered = {"eth0", "eth2"}, .paced = {with_fq}, .congestion = "sluice"};
  EXPECT_EQ(found({.window_bytes = 65536}, enforcers),
            "window: window lowering at eth0, eth2\n"
            "window: window lowering at eth0\n"
            "window: congestion control at sluice\n");
  EXPECT_EQ(found({.window_rate_bytes_per_sec = 1000}, enforcers),
            "window rate: window lowering at eth0, eth2\n"
            "window rate: window lowering at eth0\n"
            "window rate: congestion control at sluice\n");
  EXPECT_EQ(found({.window_bytes = 65536}, enforcers, L4Proto::udp), "window: none\n");
}

TEST(Enforcement, ALimitWithoutAMechanismSaysWhatToDo) {
  const Policy policy{.flow_rate_bytes_per_sec = 1000,
                      .window_bytes = 65536,
                      .connections_per_sec = 10,
                      .rate_bytes_per_sec = 1000,
                      .ingress_rate_bytes_per_sec = 1000,
                      .loss_ppm = 1,
                      .mark_ppm = 1};
  EXPECT_EQ(found(policy, {}),
            "flow rate: none\nrate: none\nwindow: none\nconnection rate: none\n"
            "ingress rate: none\nloss: none\nmark: none\n");
  for (const auto& each : enforcements_of(service_of(L4Proto::tcp), policy, {}))
    EXPECT_NE(each.why.find("sluice attach"), std::string::npos) << each.why;
}

TEST(Enforcement, PacketsOfClientsAreLimitedWhereTheyArrive) {
  const Policy policy{.connections_per_sec = 10, .ingress_rate_bytes_per_sec = 1000};
  EXPECT_EQ(found(policy, {.steered = {"eth0"}, .paced = {without_fq}, .congestion = {}}),
            "connection rate: admission at eth0\n"
            "ingress rate: policing at eth0\n"
            "ingress rate: policing at eth1\n");
}

TEST(Enforcement, ALimitThatIsNotSetNeedsNoMechanism) {
  EXPECT_EQ(found({}, {.steered = {"eth0"}, .paced = {with_fq}, .congestion = {}}), "");
}

TEST(Enforcement, FlowsShareARateAndABottleneckByFlowWeight) {
  const Policy shared{.rate_bytes_per_sec = 5000, .flow_weight = 3};
  const Enforcers all{
      .steered = {}, .paced = {with_fq, without_fq}, .sockets = true, .congestion = "sluice"};
  EXPECT_THAT(found(shared, all), testing::EndsWith("\nflow weight: departure times at eth0\n"
                                                    "flow weight: congestion control at sluice\n"));
  EXPECT_THAT(found(shared, all, L4Proto::udp),
              testing::EndsWith("\nflow weight: departure times at eth0\n"));
  EXPECT_EQ(found({.flow_weight = 3}, all), "flow weight: congestion control at sluice\n");
}

TEST(Enforcement, AFlowWeightWithoutAMechanismSaysWhatToDo) {
  const Enforcers no_fq{.steered = {}, .paced = {without_fq}, .congestion = {}};
  const auto why = [&](const Policy& policy) {
    const auto all = enforcements_of(service_of(L4Proto::tcp), policy, no_fq);
    EXPECT_EQ(all.back().mechanism, "none");
    return all.back().why;
  };
  EXPECT_THAT(why({.rate_bytes_per_sec = 5000, .flow_weight = 3}),
              testing::HasSubstr("sluice attach pace DEV --fq"));
  EXPECT_THAT(why({.flow_weight = 3}), testing::HasSubstr("--rate RATE"));
}

}  // namespace
}  // namespace sluice
