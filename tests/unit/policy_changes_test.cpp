// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Policies set and cleared.
#include <gtest/gtest.h>

#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

class PolicyChanges : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(add_service(dataplane, "web", web_endpoint)); }
  void TearDown() override {
    EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{});
    EXPECT_EQ(dataplane.memory.pending, 0U);
  }
  std::string set(const PolicyPatch& patch) {
    return sentence(policy_set(dataplane, "web", patch, Apply::perform));
  }
  // Of the service; the entry before it is its address.
  [[nodiscard]] uint32_t flags() const { return dataplane.memory.table.at(1).flags; }
  [[nodiscard]] bool windowed() const { return (flags() & SLUICE_SERVICE_WINDOWED) != 0; }
  [[nodiscard]] bool limited() const { return (flags() & SLUICE_SERVICE_LIMITED) != 0; }
  [[nodiscard]] bool policed() const { return (flags() & SLUICE_SERVICE_POLICED) != 0; }

  MemoryDataplane dataplane;
};

TEST_F(PolicyChanges, SetLeavesWhatThePatchDoesNotName) {
  EXPECT_EQ(set({{&Policy::flow_rate_bytes_per_sec, 6'250'000}}),
            "policy of web: flow rate 50mbit");
  EXPECT_FALSE(windowed());
  EXPECT_EQ(set({{&Policy::window_bytes, 262'144}}),
            "policy of web: flow rate 50mbit, window 256kib");
  EXPECT_EQ(dataplane.memory.policies.at(1), (Policy{6'250'000, 262'144}));
  EXPECT_EQ(set({{&Policy::flow_rate_bytes_per_sec, 0}}), "policy of web: window 256kib");
  EXPECT_EQ(dataplane.memory.policies.at(1), (Policy{0, 262'144}));
}

TEST_F(PolicyChanges, TheTableChangesOnlyWithThePresenceOfAPolicy) {
  ASSERT_EQ(set({{&Policy::flow_rate_bytes_per_sec, 6'250'000}}),
            "policy of web: flow rate 50mbit");
  dataplane.written.clear();
  ASSERT_EQ(set({{&Policy::flow_rate_bytes_per_sec, 12'500'000}}),
            "policy of web: flow rate 100mbit");
  EXPECT_EQ(dataplane.written, std::vector<std::string>{"put_policy"});
}

TEST_F(PolicyChanges, AConnectionRateAloneDoesNotSendTheServiceThroughTc) {
  EXPECT_EQ(set({{&Policy::connections_per_sec, 2000}}), "policy of web: connection rate 2000/s");
  EXPECT_TRUE(limited());
  EXPECT_FALSE(windowed());
  EXPECT_EQ(dataplane.memory.policies.at(1), (Policy{0, 0, 2000}));
  EXPECT_EQ(set({{&Policy::window_bytes, 262'144}}),
            "policy of web: window 256kib, connection rate 2000/s");
  EXPECT_TRUE(limited());
  EXPECT_TRUE(windowed());
  EXPECT_EQ(set({{&Policy::window_bytes, 0}}), "policy of web: connection rate 2000/s");
  EXPECT_FALSE(windowed());
  EXPECT_EQ(set({{&Policy::connections_per_sec, 0}}), "policy of web: cleared");
  EXPECT_FALSE(limited());
  EXPECT_TRUE(dataplane.memory.policies.empty());
}

TEST_F(PolicyChanges, WhatClientsSendIsPolicedBySteer) {
  EXPECT_EQ(set({{&Policy::ingress_rate_bytes_per_sec, 25'000'000}}),
            "policy of web: ingress rate 200mbit");
  EXPECT_TRUE(policed());
  EXPECT_FALSE(windowed());
}

TEST_F(PolicyChanges, AWeightAloneNeedsNeither) {
  EXPECT_EQ(set({{&Policy::flow_weight, 3}}), "policy of web: flow weight 3");
  EXPECT_EQ(flags() & (SLUICE_SERVICE_WINDOWED | SLUICE_SERVICE_LIMITED | SLUICE_SERVICE_POLICED),
            0U);
}

TEST_F(PolicyChanges, AWindowIsLoweredBySteerHoweverItIsGiven) {
  for (const PolicyPatch& patch : {PolicyPatch{{&Policy::window_bytes, 4000}},
                                   PolicyPatch{{&Policy::window_rate_bytes_per_sec, 1000}}}) {
    EXPECT_TRUE(policy_set(dataplane, "web", patch, Apply::perform));
    EXPECT_TRUE(windowed());
    EXPECT_TRUE(policy_clear(dataplane, "web", Apply::perform));
    EXPECT_FALSE(windowed());
  }
}

TEST_F(PolicyChanges, WhatActsOnPacketsToClientsCostsNothingInWhatClientsSend) {
  for (const PolicyPatch& patch :
       {PolicyPatch{{&Policy::flow_rate_bytes_per_sec, 1000}},
        PolicyPatch{{&Policy::rate_bytes_per_sec, 1000}}, PolicyPatch{{&Policy::loss_ppm, 1}},
        PolicyPatch{{&Policy::mark_ppm, 1}}}) {
    EXPECT_TRUE(policy_set(dataplane, "web", patch, Apply::perform));
    EXPECT_FALSE(windowed() || limited() || policed());
    EXPECT_TRUE(policy_clear(dataplane, "web", Apply::perform));
  }
}

TEST_F(PolicyChanges, ARateThatOnlyChangesLeavesTheTableAsItIs) {
  ASSERT_EQ(set({{&Policy::connections_per_sec, 2000}}), "policy of web: connection rate 2000/s");
  dataplane.written.clear();
  ASSERT_EQ(set({{&Policy::connections_per_sec, 3000}}), "policy of web: connection rate 3000/s");
  EXPECT_EQ(dataplane.written, std::vector<std::string>{"put_policy"});
}

TEST_F(PolicyChanges, TheSameAgainIsSuccess) {
  ASSERT_EQ(set({{&Policy::flow_rate_bytes_per_sec, 6'250'000}, {&Policy::window_bytes, 262'144}}),
            "policy of web: flow rate 50mbit, window 256kib");
  dataplane.written.clear();
  const auto again =
      policy_set(dataplane, "web", {{&Policy::flow_rate_bytes_per_sec, 6'250'000}}, Apply::perform);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->needed);
  EXPECT_EQ(again->sentence, "policy of web: is already so");
  EXPECT_TRUE(dataplane.written.empty());
}

TEST_F(PolicyChanges, OneThatLimitsNothingIsCleared) {
  EXPECT_EQ(set({{&Policy::flow_rate_bytes_per_sec, 0}, {&Policy::window_bytes, 0}}),
            "policy of web: is already so");
  ASSERT_EQ(set({{&Policy::flow_rate_bytes_per_sec, 6'250'000}}),
            "policy of web: flow rate 50mbit");
  EXPECT_EQ(set({{&Policy::flow_rate_bytes_per_sec, 0}}), "policy of web: cleared");
  EXPECT_TRUE(dataplane.memory.policies.empty());
  EXPECT_FALSE(windowed());
}

TEST_F(PolicyChanges, ClearIsRepeatable) {
  ASSERT_EQ(set({{&Policy::flow_rate_bytes_per_sec, 6'250'000}, {&Policy::window_bytes, 262'144}}),
            "policy of web: flow rate 50mbit, window 256kib");
  EXPECT_EQ(sentence(policy_clear(dataplane, "web", Apply::perform)), "policy of web: cleared");
  EXPECT_TRUE(dataplane.memory.policies.empty());
  EXPECT_FALSE(windowed());
  const auto again = policy_clear(dataplane, "web", Apply::perform);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->needed);
}

TEST_F(PolicyChanges, RefusesWithOneSentence) {
  EXPECT_EQ(set({}), "policy of web: nothing to set; give a flow rate, a window or another limit");
  EXPECT_EQ(set({{&Policy::window_bytes, 1459}}),
            "policy of web: window 1459b: is less than one segment of 1460 bytes");
  EXPECT_EQ(set({{&Policy::window_bytes, 1460}}), "policy of web: window 1460b");
  EXPECT_EQ(
      set({{&Policy::window_rate_bytes_per_sec, 1'000'000}}),
      "policy of web: window 1460b: a flow has one window, and window rate is 8mbit; lift one "
      "with none");
  const auto unknown =
      policy_set(dataplane, "wbe", {{&Policy::flow_rate_bytes_per_sec, 1000}}, Apply::perform);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(kind(unknown), ErrorKind::misused);
  EXPECT_EQ(sentence(unknown), "service \"wbe\": no such service (there is: web)");
}

}  // namespace
}  // namespace sluice::test
