// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Policing (pure/police.h): what passes of a stream is the rate, whatever is offered.
#include "pure/police.h"

#include <gtest/gtest.h>

namespace {

constexpr uint64_t second = DEPARTURE_NS_PER_SEC;
constexpr uint64_t rate = 1'000'000;

// Bytes that pass in so many seconds of packets of 1000 bytes, so many bytes a second.
uint64_t passed(uint64_t offered_bytes_per_sec, uint64_t seconds) {
  __u64 due = 0;
  uint64_t bytes = 0;
  const uint64_t gap = departure_cost_ns(1000, offered_bytes_per_sec);
  for (uint64_t now = second; now < (1 + seconds) * second; now += gap) {
    if (police_pass(&due, now, departure_cost_ns(1000, rate), police_burst_ns(rate))) bytes += 1000;
  }
  return bytes;
}

TEST(Police, WhatKeepsToTheRatePasses) {
  EXPECT_EQ(passed(rate, 10), 10 * rate);
  EXPECT_EQ(passed(rate / 2, 10), 5 * rate);
}

TEST(Police, OfMoreThanTheRateTheRatePasses) {
  const uint64_t burst = SLUICE_POLICING_BURST_BYTES + rate * SLUICE_POLICING_BURST_MS / 1000;
  for (const uint64_t offered : {2 * rate, 10 * rate, 1000 * rate}) {
    EXPECT_NEAR(static_cast<double>(passed(offered, 10)), static_cast<double>(10 * rate + burst),
                3000.0);
  }
}

TEST(Police, WhoWasSilentHasSavedUpOnlyTheBurst) {
  __u64 due = second;
  uint64_t now = 100 * second;
  uint64_t bytes = 0;
  while (police_pass(&due, now, departure_cost_ns(1000, rate), police_burst_ns(rate)))
    bytes += 1000;
  EXPECT_NEAR(static_cast<double>(bytes), SLUICE_POLICING_BURST_BYTES + 50'000.0, 2000.0);
}

TEST(Police, AtTheLowestRateThereIsRoomForTheLongestPacket) {
  __u64 due = 0;
  EXPECT_TRUE(police_pass(&due, second, departure_cost_ns(65'536, 1000), police_burst_ns(1000)));
  EXPECT_TRUE(police_pass(&due, second, departure_cost_ns(1514, 1000), police_burst_ns(1000)));
  EXPECT_FALSE(police_pass(&due, second, departure_cost_ns(1514, 1000), police_burst_ns(1000)));
}

}  // namespace
