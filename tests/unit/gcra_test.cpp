// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The generic cell rate algorithm (pure/gcra.h): the token bucket of every limit in the programs.
#include "pure/gcra.h"

#include <gtest/gtest.h>

namespace {

constexpr uint64_t kNow = 100 * SLUICE_NS_PER_SEC;
constexpr uint64_t kCost = SLUICE_NS_PER_MS;

// Arrivals at one moment that conform.
int conforming(__u64* due_ns, uint64_t now_ns, uint64_t burst_ns) {
  int passed = 0;
  while (passed < 1000 && gcra_pass(due_ns, now_ns, kCost, burst_ns)) passed++;
  return passed;
}

TEST(Gcra, AnEmptyBurstAdmitsOneArrivalPerInterval) {
  __u64 due = 0;
  EXPECT_EQ(conforming(&due, kNow, 0), 1);
  EXPECT_FALSE(gcra_pass(&due, kNow + kCost - 1, kCost, 0));
  EXPECT_TRUE(gcra_pass(&due, kNow + kCost, kCost, 0));
}

TEST(Gcra, TheBurstAddsArrivalsAtOneMoment) {
  __u64 due = 0;
  EXPECT_EQ(conforming(&due, kNow, 50 * kCost), 51);
  EXPECT_EQ(due, kNow + 51 * kCost);
}

TEST(Gcra, SilenceAccumulatesNoMoreThanTheBurst) {
  __u64 due = kNow;
  EXPECT_EQ(conforming(&due, kNow + 1000 * SLUICE_NS_PER_SEC, 50 * kCost), 51);
}

TEST(Gcra, ARefusedArrivalTakesNothing) {
  __u64 due = kNow + 2 * kCost;
  EXPECT_FALSE(gcra_pass(&due, kNow, kCost, kCost));
  EXPECT_EQ(due, kNow + 2 * kCost);
}

TEST(Gcra, BytesCostTheirTimeAtTheRate) {
  EXPECT_EQ(gcra_cost_ns(1000, 1'000'000), SLUICE_NS_PER_MS);
  EXPECT_EQ(gcra_cost_ns(0xffffffff, 1), 0xffffffffull * SLUICE_NS_PER_SEC);
  EXPECT_EQ(gcra_cost_ns(1000, 0), 0);  // no limit
}

}  // namespace
