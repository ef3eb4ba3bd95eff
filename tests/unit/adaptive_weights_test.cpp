// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `sluice run` makes of measurements: which backends to measure, and what it sets in the kernel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/weights.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const HostPort one = HostPort::parse("10.0.0.11:80").value();
const HostPort two = HostPort::parse("10.0.0.12:80").value();

class AdaptiveWeightsTest : public testing::Test {
 protected:
  AdaptiveWeightsTest() {
    Service web;
    web.name = "web";
    web.number = 7;
    Service dns;
    dns.name = "dns";
    dns.number = 8;
    state.services = {web, dns};
    for (const auto& [number, at] : {std::pair{1U, one}, std::pair{2U, two}}) {
      Backend backend;
      backend.service = 7;
      backend.number = number;
      backend.at = at;
      state.backends.push_back(backend);
    }
  }

  void file_says(Weights mode) {
    DesiredService web;
    web.service.name = "web";
    web.weights = mode;
    DesiredService dns;
    dns.service.name = "dns";
    Desired desired;
    desired.services = {web, dns};
    weights.set_file(desired);
    weights.set_state(state);
  }
  // So many looks, a second apart: 100 responses each time, the second backend's five times slower.
  void pass(int seconds) {
    for (int i = 0; i < seconds; i++) {
      for (const uint32_t number : {1U, 2U}) {
        so_far[number].responses += 100;
        so_far[number].response_us += number == 1 ? 100 * 1000 : 100 * 5000;
      }
      now_ms += 1000;
      EXPECT_THAT(weights.measured(so_far, now_ms), IsEmpty());
    }
  }

  std::vector<std::string> said;
  AdaptiveWeights weights{[this](const std::string& words) { said.push_back(words); }};
  KernelState state;
  std::map<uint32_t, Latency> so_far;
  uint64_t now_ms = 1000;
};

TEST_F(AdaptiveWeightsTest, OnlyServicesWhoseWeightsAreNotFixedAreMeasured) {
  file_says(Weights::fixed);
  EXPECT_THAT(weights.services(), IsEmpty());
  file_says(Weights::advise);
  EXPECT_THAT(weights.services(), ElementsAre(7));
  EXPECT_THAT(weights.backends(), UnorderedElementsAre(1, 2));
}

TEST_F(AdaptiveWeightsTest, OneThatIsSlowIsToHaveLess) {
  file_says(Weights::adapt);
  pass(60);
  const auto settings = weights.settings();
  ASSERT_EQ(settings.size(), 1U);
  EXPECT_EQ(settings[0].service, "web");
  EXPECT_EQ(settings[0].backend, two);
  EXPECT_FALSE(settings[0].failing);
  EXPECT_LT(*settings[0].adapted_permille, 500);
}

TEST_F(AdaptiveWeightsTest, WhatTheKernelHasIsAskedNoMore) {
  file_says(Weights::adapt);
  pass(60);
  state.backends[1].adapted_permille = *weights.settings().at(0).adapted_permille;
  weights.set_state(state);
  EXPECT_THAT(weights.settings(), IsEmpty());
}

TEST_F(AdaptiveWeightsTest, ADaemonThatStartsAnewGoesOnFromWhatThereIs) {
  state.backends[1].adapted_permille = 200;
  file_says(Weights::adapt);
  EXPECT_THAT(weights.settings(), IsEmpty());
  EXPECT_EQ(weights.advice().at(1).part, 0.2);
}

TEST_F(AdaptiveWeightsTest, AdviceIsSaidAndNotCarriedOut) {
  file_says(Weights::advise);
  pass(60);
  EXPECT_THAT(weights.settings(), IsEmpty());
  ASSERT_FALSE(said.empty());
  EXPECT_THAT(said.back(), HasSubstr("backend 10.0.0.12:80 of web: advised: "));
  EXPECT_LT(weights.advice().at(1).part, 0.5);
  EXPECT_EQ(weights.advice().at(0).part, 1);
}

TEST_F(AdaptiveWeightsTest, WhatWasAdaptedIsTakenBackWhereTheFileSaysFixed) {
  state.backends[1].adapted_permille = 200;
  file_says(Weights::fixed);
  const auto settings = weights.settings();
  ASSERT_EQ(settings.size(), 1U);
  EXPECT_EQ(settings[0].backend, two);
  EXPECT_EQ(settings[0].adapted_permille, uint16_t{0});
}

TEST_F(AdaptiveWeightsTest, BackendsWhoseClientsWaitInVainAreNamed) {
  file_says(Weights::advise);
  pass(1);
  so_far[1].unanswered++;
  so_far[2].refused++;
  so_far[2].handshakes++;  // others were answered
  EXPECT_THAT(weights.measured(so_far, now_ms + 1000),
              ElementsAre(BackendName{"web", "10.0.0.11:80"}));
  EXPECT_THAT(weights.measured(so_far, now_ms + 2000), IsEmpty());
}

}  // namespace
}  // namespace sluice
