// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// From answers to who serves.
#include "model/monitored_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::ElementsAre;

HealthCheck check_of(uint32_t rise, uint32_t fall) {
  HealthCheck check;
  check.rise = rise;
  check.fall = fall;
  return check;
}

// As after these answers, '+' and '-'.
Standing after(const HealthCheck& check, Standing standing, std::string_view answers) {
  for (const char answer : answers) standing = standing_after(check, standing, answer == '+');
  return standing;
}

TEST(Standing, FallBadAnswersInARowBeginAFailureAndRiseGoodOnesEndIt) {
  const HealthCheck check = check_of(2, 3);
  EXPECT_FALSE(after(check, {}, "--").failing);
  EXPECT_TRUE(after(check, {}, "---").failing);
  EXPECT_TRUE(after(check, {}, "---+").failing);
  EXPECT_FALSE(after(check, {}, "---++").failing);
}

TEST(Standing, AnAnswerThatSpeaksForItStartsTheRowAnew) {
  const HealthCheck check = check_of(2, 3);
  EXPECT_FALSE(after(check, {}, "--+--").failing);
  EXPECT_TRUE(after(check, {}, "---+-+").failing);
}

TEST(Standing, OneIsEnoughWhereOneIsAskedFor) {
  EXPECT_TRUE(after(check_of(1, 1), {}, "-").failing);
  EXPECT_FALSE(after(check_of(1, 1), {}, "-+").failing);
}

TEST(Standing, JitterOnlyComesEarlyAndNeverMoreThanItsShare) {
  HealthCheck check;
  check.interval_ms = 1000;
  check.jitter_percent = 10;
  uint32_t least = 1000;
  uint32_t most = 0;
  for (uint32_t random = 0; random < 1000; random++) {
    const uint32_t ms = next_check_ms(check, {}, random * 7919);
    least = std::min(least, ms);
    most = std::max(most, ms);
  }
  EXPECT_EQ(least, 900U);
  EXPECT_EQ(most, 1000U);
}

// One that returned just after a bad check has begun is asked for the first time as late as can be.
TEST(Standing, OneThatReturnedIsBackBeforeIntervalTimesRise) {
  for (const uint32_t rise : {1U, 2U, 5U}) {
    for (const uint32_t timeout_ms : {100U, 500U, 1000U}) {
      HealthCheck check = check_of(rise, 3);
      check.interval_ms = 1000;
      check.timeout_ms = timeout_ms;
      Standing standing{.failing = true};
      uint32_t at_ms = 0;
      while (standing.failing) {
        at_ms += next_check_ms(check, standing, 0);
        standing = standing_after(check, standing, true);
      }
      EXPECT_LE(at_ms, 1000 * rise - 95) << rise << ' ' << timeout_ms;
      EXPECT_GE(at_ms, 1000 * rise - 500) << rise << ' ' << timeout_ms;
    }
  }
}

TEST(Standing, NeitherJitterNorHasteAsksWithoutPause) {
  HealthCheck check = check_of(1, 2);
  check.interval_ms = 100;
  check.timeout_ms = 100;
  check.jitter_percent = 100;
  for (uint32_t random = 0; random < 1000; random++) {
    EXPECT_GE(next_check_ms(check, {.failing = true}, random), 1U);
    EXPECT_GE(next_check_ms(check, {.failing = false, .against = 1}, random), 1U);
  }
}

// The last good check began at 0, and every later one takes the whole time-out.
TEST(Standing, SilenceIsAFailureAfterIntervalTimesFall) {
  for (const uint32_t fall : {2U, 3U, 5U}) {
    for (const uint32_t timeout_ms : {100U, 300U, 500U}) {
      HealthCheck check = check_of(2, fall);
      check.interval_ms = 1000;
      check.timeout_ms = timeout_ms;
      Standing standing;
      uint32_t start_ms = next_check_ms(check, standing, 0);
      uint32_t end_ms = 0;
      while (!standing.failing) {
        end_ms = start_ms + timeout_ms;
        standing = standing_after(check, standing, false);
        start_ms = std::max(start_ms + next_check_ms(check, standing, 0), end_ms);
      }
      EXPECT_LE(end_ms, check.interval_ms * fall) << fall << " " << timeout_ms;
    }
  }
}

TEST(Marks, AreWhatTheChecksSay) {
  EXPECT_THAT(marks_after({{true, false, false}, {true, true, false}}, AllDown::drop),
              ElementsAre(false, true));
  EXPECT_THAT(marks_after({{true, true, false}, {true, true, true}}, AllDown::drop),
              ElementsAre(true, true));
}

TEST(Marks, OfWhomTheChoiceIsToKeepTheLastSetStays) {
  const auto marks = [](const std::vector<MonitoredBackend>& monitored_backends) {
    return marks_after(monitored_backends, AllDown::keep);
  };
  EXPECT_THAT(marks({{true, true, true}, {true, true, false}}), ElementsAre(true, false));
  EXPECT_THAT(marks({{true, true, false}, {true, true, false}}), ElementsAre(false, false));
  // Somebody is well again.
  EXPECT_THAT(marks({{true, false, true}, {true, true, false}}), ElementsAre(false, true));
  // Nobody was left.
  EXPECT_THAT(marks({{true, true, true}, {true, true, true}}), ElementsAre(false, false));
}

TEST(Marks, WhoeverTheOperatorTookOutCountsForNobody) {
  EXPECT_THAT(marks_after({{false, false, false}, {true, true, false}}, AllDown::keep),
              ElementsAre(false, false));
  EXPECT_THAT(marks_after({{false, true, false}, {true, true, false}}, AllDown::keep),
              ElementsAre(true, false));
}

}  // namespace
}  // namespace sluice
