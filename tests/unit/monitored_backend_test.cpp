// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// From results of checks to the backends that serve.
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

// The standing after these results: '+' passed, '-' failed.
Standing after(const HealthCheck& check, Standing standing, std::string_view results) {
  for (const char result : results) standing = standing_after(check, standing, result == '+');
  return standing;
}

TEST(Standing, FallFailuresInARowFailABackendAndRisePassesRestoreIt) {
  const HealthCheck check = check_of(2, 3);
  EXPECT_FALSE(after(check, {}, "--").failing);
  EXPECT_TRUE(after(check, {}, "---").failing);
  EXPECT_TRUE(after(check, {}, "---+").failing);
  EXPECT_FALSE(after(check, {}, "---++").failing);
}

TEST(Standing, OppositeResultRestartsTheCount) {
  const HealthCheck check = check_of(2, 3);
  EXPECT_FALSE(after(check, {}, "--+--").failing);
  EXPECT_TRUE(after(check, {}, "---+-+").failing);
}

TEST(Standing, RiseAndFallOfOneTakeOneResult) {
  EXPECT_TRUE(after(check_of(1, 1), {}, "-").failing);
  EXPECT_FALSE(after(check_of(1, 1), {}, "-+").failing);
}

TEST(Standing, JitterOnlyShortensTheIntervalByAtMostItsShare) {
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

// The worst case: the backend returns just after a check began that fails.
TEST(Standing, ReturnedBackendServesWithinIntervalTimesRise) {
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

TEST(Standing, IntervalIsNeverZero) {
  HealthCheck check = check_of(1, 2);
  check.interval_ms = 100;
  check.timeout_ms = 100;
  check.jitter_percent = 100;
  for (uint32_t random = 0; random < 1000; random++) {
    EXPECT_GE(next_check_ms(check, {.failing = true}, random), 1U);
    EXPECT_GE(next_check_ms(check, {.failing = false, .against = 1}, random), 1U);
  }
}

// The last passing check began at 0; every later one takes the whole time-out.
TEST(Standing, SilentBackendFailsWithinIntervalTimesFall) {
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

TEST(FailingMarks, FollowTheChecks) {
  EXPECT_THAT(marks_after({{true, false, false}, {true, true, false}}, AllDown::drop),
              ElementsAre(false, true));
  EXPECT_THAT(marks_after({{true, true, false}, {true, true, true}}, AllDown::drop),
              ElementsAre(true, true));
}

TEST(FailingMarks, KeepLeavesTheLastBackendInTheRing) {
  const auto marks = [](const std::vector<MonitoredBackend>& monitored_backends) {
    return marks_after(monitored_backends, AllDown::keep);
  };
  EXPECT_THAT(marks({{true, true, true}, {true, true, false}}), ElementsAre(true, false));
  EXPECT_THAT(marks({{true, true, false}, {true, true, false}}), ElementsAre(false, false));
  // One backend passes again.
  EXPECT_THAT(marks({{true, false, true}, {true, true, false}}), ElementsAre(false, true));
  // No backend was left.
  EXPECT_THAT(marks({{true, true, true}, {true, true, true}}), ElementsAre(false, false));
}

TEST(FailingMarks, BackendsTakenDownByTheOperatorDoNotCount) {
  EXPECT_THAT(marks_after({{false, false, false}, {true, true, false}}, AllDown::keep),
              ElementsAre(false, false));
  EXPECT_THAT(marks_after({{false, true, false}, {true, true, false}}, AllDown::keep),
              ElementsAre(true, false));
}

}  // namespace
}  // namespace sluice
