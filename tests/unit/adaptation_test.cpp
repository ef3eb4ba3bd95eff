// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Weights that follow response times: that they reach what they should, and then stay.
#include "model/adaptation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace sluice {
namespace {

constexpr double kPeriodS = 5;

struct Server {
  double service_us;  // of a request without any other
  uint16_t permille = 0;
};

double component_of(const Server& server) {
  return server.permille == 0 ? 1 : server.permille / 1000.0;
}

// Servers that take one request after the other (M/M/1), `rate` requests a second for all of them,
// figures with the noise of so many; returns the part of the ring that moved.
class Farm {
 public:
  Farm(std::vector<Server> servers, double rate) : servers_(std::move(servers)), rate_(rate) {}

  double run_period() {
    const double all = parts();
    std::vector<Measured> measured;
    for (size_t i = 0; i < servers_.size(); i++) {
      const double arrivals = rate_ * component_of(servers_[i]) / all;
      const double load = std::min(0.99, arrivals * servers_[i].service_us / 1e6);
      const double mean = servers_[i].service_us / (1 - load);
      const auto responses = static_cast<uint64_t>(arrivals * kPeriodS);
      const double noise = 1 / std::sqrt(static_cast<double>(std::max<uint64_t>(responses, 1)));
      std::normal_distribution<double> seen(mean, mean * 3 * noise);
      measured.push_back({.name = std::to_string(i),
                          .weight = 100,
                          .permille = servers_[i].permille,
                          .responses = responses,
                          .response_us = static_cast<uint64_t>(std::max(mean / 10, seen(random_)) *
                                                               static_cast<double>(responses))});
    }
    const std::vector<uint16_t> permilles = adaptation_.step(measured, kPeriodS);
    double moved = 0;
    for (size_t i = 0; i < servers_.size(); i++) {
      const double before = component_of(servers_[i]) / all;
      servers_[i].permille = permilles[i];
      moved += std::abs(component_of(servers_[i]) / parts_with(permilles) - before) / 2;
    }
    return moved;
  }
  [[nodiscard]] const Server& server(size_t i) const { return servers_[i]; }
  Server& server(size_t i) { return servers_[i]; }

 private:
  [[nodiscard]] double parts() const {
    double all = 0;
    for (const Server& server : servers_) all += component_of(server);
    return all;
  }
  [[nodiscard]] static double parts_with(const std::vector<uint16_t>& permilles) {
    double all = 0;
    for (const uint16_t permille : permilles) all += permille == 0 ? 1 : permille / 1000.0;
    return all;
  }

  std::vector<Server> servers_;
  double rate_;
  Adaptation adaptation_;
  std::mt19937 random_{1};
};

TEST(Adaptation, ServersThatAreAlikeKeepTheirWeights) {
  Farm farm({{10000}, {10000}, {10000}, {10000}}, 240);
  for (int i = 0; i < 200; i++) EXPECT_EQ(farm.run_period(), 0.0);
}

TEST(Adaptation, OneThatIsThreeTimesSlowerComesToAThirdOfItsWeight) {
  Farm farm({{10000}, {10000}, {10000}, {30000}}, 100);
  for (int i = 0; i < 60; i++) farm.run_period();
  EXPECT_NEAR(component_of(farm.server(3)), 0.33, 0.1);
  for (size_t i = 0; i < 3; i++) EXPECT_EQ(farm.server(i).permille, 0) << i;
}

TEST(Adaptation, OneThatIsOverloadedIsRelievedWithinAMinute) {
  Farm farm({{10000}, {10000}, {10000}, {30000}}, 200);
  for (int i = 0; i < 12; i++) farm.run_period();
  const double part = component_of(farm.server(3));
  EXPECT_LT(200 * part / (3 + part) * 0.03, 0.8) << "its load";
}

TEST(Adaptation, OnceSteadyNoMoreThanTwoPercentMoveAMinute) {
  Farm farm({{10000}, {10000}, {10000}, {30000}}, 200);
  for (int i = 0; i < 120; i++) farm.run_period();
  for (int minute = 0; minute < 30; minute++) {
    double moved = 0;
    for (int i = 0; i < 12; i++) moved += farm.run_period();
    EXPECT_LE(moved, 0.02) << minute;
  }
}

// As fast as the others, and six times slower in 2 s of every second period.
TEST(Adaptation, OneThatIsDisturbedNowAndThenIsNoReasonToMoveMore) {
  Farm farm({{10000}, {10000}, {10000}, {10000}}, 100);
  const auto run_minute = [&] {
    double moved = 0;
    for (int i = 0; i < 12; i++) {
      farm.server(3).service_us = i % 2 == 0 ? 30000 : 10000;
      moved += farm.run_period();
    }
    return moved;
  };
  for (int minute = 0; minute < 10; minute++) run_minute();
  for (int minute = 0; minute < 1000; minute++) EXPECT_LE(run_minute(), 0.02) << minute;
  EXPECT_LT(component_of(farm.server(3)), 1);
}

TEST(Adaptation, OneThatIsWellAgainGetsItsWeightBack) {
  Farm farm({{10000}, {10000}, {10000}, {30000}}, 100);
  for (int i = 0; i < 60; i++) farm.run_period();
  farm.server(3).service_us = 10000;
  for (int i = 0; i < 360; i++) farm.run_period();
  EXPECT_EQ(farm.server(3).permille, 0);
}

TEST(Adaptation, BackendSilentForAMinuteGetsItsWeightBackInSteps) {
  Adaptation adaptation;
  std::vector<Measured> measured{
      {.name = "a", .weight = 100, .permille = 0, .responses = 100, .response_us = 100000},
      {.name = "b", .weight = 100, .permille = 100, .responses = 0, .response_us = 0}};
  uint16_t before = 100;
  for (int i = 0; i < 11; i++) EXPECT_EQ(adaptation.step(measured, kPeriodS)[1], before);
  for (int i = 0; i < 10; i++) {
    measured[1].permille = adaptation.step(measured, kPeriodS)[1];
    EXPECT_LE(measured[1].permille, before * 2);
    if (measured[1].permille == 0) break;
    before = measured[1].permille;
  }
  EXPECT_GT(measured[1].permille == 0 ? 1000 : measured[1].permille, 500);
}

TEST(Adaptation, TooFewResponsesSayNothing) {
  Adaptation adaptation;
  const std::vector<Measured> measured{
      {.name = "a", .weight = 100, .permille = 0, .responses = 4, .response_us = 4000},
      {.name = "b", .weight = 100, .permille = 0, .responses = 4, .response_us = 400000}};
  EXPECT_EQ(adaptation.step(measured, kPeriodS), (std::vector<uint16_t>{0, 0}));
  EXPECT_EQ(adaptation.response_us("b"), 0);
}

TEST(Adaptation, NoBackendIsStarvedAltogether) {
  Farm farm({{1000}, {1000}, {1000000}}, 500);
  for (int i = 0; i < 100; i++) farm.run_period();
  EXPECT_GE(farm.server(2).permille, 20);
}

TEST(Adaptation, BackendWithoutWeightIsLeftOut) {
  Adaptation adaptation;
  const std::vector<Measured> measured{
      {.name = "a", .weight = 0, .permille = 0, .responses = 100, .response_us = 100},
      {.name = "b", .weight = 100, .permille = 0, .responses = 100, .response_us = 100000}};
  EXPECT_EQ(adaptation.step(measured, kPeriodS), (std::vector<uint16_t>{0, 0}));
}

}  // namespace
}  // namespace sluice
