// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Rates and gaps computed from a log of arrivals (tools/benchmark/pace/gaps.h).
#include "benchmark/pace/gaps.h"

#include <gtest/gtest.h>

namespace sluice::benchmark {
namespace {

constexpr double kRate = 1e6;  // bytes a second: a byte is a microsecond

arrival packet(uint64_t at_us, uint32_t flow, uint32_t bytes, uint32_t segments = 1) {
  arrival one{};
  one.at_ns = at_us * 1000;
  one.flow = flow;
  one.bytes = bytes;
  one.segments = segments;
  return one;
}

TEST(PaceGaps, EvenPacketsHaveIdealGaps) {
  const Arrivals seen = arrivals_between(
      {packet(0, 1, 1000), packet(1000, 1, 1000), packet(2000, 1, 1000)}, 0, 3'000'000, kRate);
  EXPECT_DOUBLE_EQ(seen.gaps.p1, 1);
  EXPECT_DOUBLE_EQ(seen.gaps.p99, 1);
  ASSERT_EQ(seen.flows.size(), 1U);
  EXPECT_DOUBLE_EQ(seen.flows[0].rate_bytes_per_sec, kRate);
}

TEST(PaceGaps, SegmentsThatArriveTogetherAreABurst) {
  const Arrivals seen =
      arrivals_between({packet(0, 1, 4000, 4), packet(4000, 1, 4000, 4)}, 0, 5'000'000, kRate);
  EXPECT_EQ(seen.packets, 8U);
  EXPECT_DOUBLE_EQ(seen.packet_bytes, 1000);
  EXPECT_DOUBLE_EQ(seen.gaps.p50, 0);
  EXPECT_DOUBLE_EQ(seen.gaps.most, 4);
  EXPECT_DOUBLE_EQ(seen.flows[0].rate_bytes_per_sec, kRate);
}

TEST(PaceGaps, AGapBelongsToThePacketBeforeIt) {
  const Arrivals seen = arrivals_between(
      {packet(0, 1, 500), packet(500, 1, 1000), packet(1500, 1, 1000)}, 0, 2'000'000, kRate);
  EXPECT_DOUBLE_EQ(seen.gaps.p1, 1);
  EXPECT_DOUBLE_EQ(seen.gaps.most, 1);
}

TEST(PaceGaps, FlowsAreMeasuredEachAndTogether) {
  const std::vector<arrival> log{packet(0, 1, 1000), packet(500, 2, 1000), packet(1000, 1, 1000),
                                 packet(1500, 2, 1000)};
  const Arrivals apart = arrivals_between(log, 0, 2'000'000, kRate);
  EXPECT_EQ(apart.flows.size(), 2U);
  EXPECT_DOUBLE_EQ(apart.gaps.p50, 1);
  const Arrivals together = arrivals_between(as_one_flow(log), 0, 2'000'000, 2 * kRate);
  EXPECT_EQ(together.flows.size(), 1U);
  EXPECT_DOUBLE_EQ(together.gaps.p50, 1);
}

TEST(PaceGaps, OnlyArrivalsInTheIntervalCount) {
  const std::vector<arrival> log{packet(0, 1, 1000), packet(1000, 1, 1000), packet(9000, 1, 1000)};
  EXPECT_EQ(arrivals_between(log, 1'000'000, 9'000'000, kRate).packets, 1U);
  EXPECT_TRUE(arrivals_between(log, 1'000'000, 9'000'000, kRate).flows.empty());
}

}  // namespace
}  // namespace sluice::benchmark
