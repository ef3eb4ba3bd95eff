// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Departure times (pure/departure_time.h), on one CPU and on several.
#include "pure/departure_time.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sluice::departure {
namespace {

constexpr uint64_t second = SLUICE_NS_PER_SEC;
constexpr uint64_t start = 1'000 * second;

TEST(Departure, BytesTakeTheirTimeAtTheRate) {
  EXPECT_EQ(gcra_cost_ns(1500, 1'500'000), 1'000'000);
  EXPECT_EQ(gcra_cost_ns(0, 1), 0);
  EXPECT_EQ(gcra_cost_ns(1500, 0), 0);  // no limit
  // The longest packet at the lowest rate does not overflow.
  EXPECT_EQ(gcra_cost_ns(0xffffffff, 1), 0xffffffffull * second);
  EXPECT_EQ(gcra_cost_ns(1500, 50'000'000'000), 30);
}

TEST(Departure, ASilentFlowLeavesAtOnceAndAccumulatesNoCredit) {
  __u64 departs = start - 100 * second;
  EXPECT_EQ(departure_take(&departs, start, 0, 500), start);
  EXPECT_EQ(departure_take(&departs, start, 0, 500), start + 500);
  EXPECT_EQ(departs, start + 1000);
}

TEST(Departure, ABusyFlowKeepsItsRateToTheNanosecond) {
  __u64 departs = 0;
  uint64_t last = 0;
  for (uint64_t i = 0; i < 1000; i++) {
    last = departure_take(&departs, start + i, 0, gcra_cost_ns(1250, 1'250'000));
  }
  EXPECT_EQ(last - start, 999u * 1'000'000);
}

TEST(Departure, PastTheHorizonNoTurnIsTaken) {
  __u64 departs = start + DEPARTURE_HORIZON_NS;
  EXPECT_EQ(departure_take(&departs, start, 0, 7), start + DEPARTURE_HORIZON_NS);  // just in time
  EXPECT_EQ(departure_take(&departs, start, 0, 7), DEPARTURE_NEVER);
  EXPECT_EQ(departs, start + DEPARTURE_HORIZON_NS + 7);
}

TEST(Departure, ASenderMayRequestALaterTimeButNotAnEarlierOne) {
  __u64 departs = start + 1000;
  EXPECT_EQ(departure_take(&departs, start, start + 500, 10), start + 1000);
  EXPECT_EQ(departure_take(&departs, start, start + 5000, 10), start + 5000);
  EXPECT_EQ(departs, start + 5010);
}

TEST(Departure, ARequestPastTheHorizonIsGrantedAndDoesNotBlockTheFlow) {
  __u64 departs = start;
  const uint64_t asked = start + 10 * second;
  EXPECT_EQ(departure_take(&departs, start, asked, 10), asked);
  EXPECT_EQ(departure_take(&departs, start, 0, 10), start + 10);
}

TEST(Departure, AStampCountsOnlyIfItCanBeADeparture) {
  EXPECT_EQ(departure_requested_ns(0, start, 0), 0);
  EXPECT_EQ(departure_requested_ns(start - 1, start, 1), 0);
  EXPECT_EQ(departure_requested_ns(start + 1, start, 0), start + 1);
  EXPECT_EQ(departure_requested_ns(start + 10 * second, start, 1), start + 10 * second);
  // A time of reception, on the other clock, is decades ahead.
  EXPECT_EQ(departure_requested_ns(1'700'000'000 * second, start, 0), 0);
}

TEST(Departure, SeveralCpusTakeEveryTurnOnce) {
  constexpr int cpus = 4;
  constexpr int packets = 50'000;
  constexpr uint64_t cost = 10;  // all of them within the horizon
  __u64 departs = 0;
  std::vector<std::vector<uint64_t>> turns(cpus);
  std::vector<std::thread> threads;
  for (int cpu = 0; cpu < cpus; cpu++) {
    threads.emplace_back([&, cpu] {
      for (int i = 0; i < packets; i++) {
        turns[static_cast<size_t>(cpu)].push_back(departure_take(&departs, start, 0, cost));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(departs, start + cost * cpus * packets);
  std::vector<bool> taken(static_cast<size_t>(cpus) * packets);
  for (const auto& of_cpu : turns) {
    for (const uint64_t turn : of_cpu) {
      ASSERT_FALSE(taken.at((turn - start) / cost)) << turn - start;
      taken[(turn - start) / cost] = true;
    }
  }
}

}  // namespace
}  // namespace sluice::departure
