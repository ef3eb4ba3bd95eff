// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Policing (pure/policing.h): a stream passes at the rate, whatever is offered.
#include "pure/policing.h"

#include <gtest/gtest.h>

namespace sluice::policing {
namespace {

constexpr uint64_t second = SLUICE_NS_PER_SEC;
constexpr uint64_t rate = 1'000'000;

// Bytes that pass in so many seconds of packets of 1000 bytes, so many bytes a second.
uint64_t passed(uint64_t offered_bytes_per_sec, uint64_t seconds) {
  __u64 due = 0;
  uint64_t bytes = 0;
  const uint64_t gap = gcra_cost_ns(1000, offered_bytes_per_sec);
  for (uint64_t now = second; now < (1 + seconds) * second; now += gap) {
    if (policing_pass(&due, now, 1000, rate)) bytes += 1000;
  }
  return bytes;
}

TEST(Policing, TrafficWithinTheRatePasses) {
  EXPECT_EQ(passed(rate, 10), 10 * rate);
  EXPECT_EQ(passed(rate / 2, 10), 5 * rate);
}

TEST(Policing, TrafficBeyondTheRatePassesAtTheRate) {
  const uint64_t burst = SLUICE_POLICING_BURST_BYTES + rate * SLUICE_POLICING_BURST_MS / 1000;
  for (const uint64_t offered : {2 * rate, 10 * rate, 1000 * rate}) {
    EXPECT_NEAR(static_cast<double>(passed(offered, 10)), static_cast<double>(10 * rate + burst),
                3000.0);
  }
}

TEST(Policing, SilenceAccumulatesNoMoreThanTheBurst) {
  __u64 due = second;
  uint64_t bytes = 0;
  while (policing_pass(&due, 100 * second, 1000, rate)) bytes += 1000;
  EXPECT_NEAR(static_cast<double>(bytes), SLUICE_POLICING_BURST_BYTES + 50'000.0, 2000.0);
}

TEST(Policing, TheLowestRateLeavesRoomForTheLongestPacket) {
  __u64 due = 0;
  EXPECT_TRUE(policing_pass(&due, second, 65'536, 1000));
  EXPECT_TRUE(policing_pass(&due, second, 1514, 1000));
  EXPECT_FALSE(policing_pass(&due, second, 1514, 1000));
}

}  // namespace
}  // namespace sluice::policing
