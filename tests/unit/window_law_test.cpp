// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The arithmetic of the congestion window: the delay law, roots, CUBIC's curve, and policies as
// windows and rates.
#include <gtest/gtest.h>

#include <cstdint>

#include "pure/pacing.h"
#include "unit/support/single_window.h"

namespace sluice::simulation {
namespace {

TEST(Law, TheTargetIsTheGeometricMeanOfItsBaseAndTheTimeBetweenPackets) {
  // 160 packets in 40 ms: 250 us apart, and sqrt(250 * 3200) = 894
  EXPECT_EQ(law_target_us(160 * LAW_ONE, 40000, 1), 894U + LAW_MARGIN_US);
  EXPECT_EQ(law_target_us(160 * LAW_ONE, 40000, 4), 1788U + LAW_MARGIN_US);
}

TEST(Law, FlowsInOneQueueHaveRatesByWeightAtAnyRtt) {
  for (const uint32_t rtt_us : {10000U, 40000U, 200000U})
    for (const uint32_t weight : {1U, 3U}) {
      const uint32_t packets_a_second = 2000 * weight;
      const uint32_t window_x64 = packets_a_second * (rtt_us / 1000) / 1000 * LAW_ONE;
      EXPECT_NEAR(law_target_us(window_x64, rtt_us, weight), 1265 + LAW_MARGIN_US, 2);
    }
}

TEST(Law, TheWindowMovesHalfwayToTheTarget) {
  EXPECT_EQ(law_next(100 * LAW_ONE, 40000, 44000, 4000), 100U * LAW_ONE);
  EXPECT_EQ(law_next(100 * LAW_ONE, 40000, 55000, 4000), 90U * LAW_ONE);
  EXPECT_EQ(law_next(100 * LAW_ONE, 40000, 40000, 4000), 105U * LAW_ONE);
}

TEST(Law, TheWindowNeverHalvesInARoundNorGrowsByMoreThanHalf) {
  EXPECT_GE(law_next(1000 * LAW_ONE, 1000, 4000000, 1000), 500U * LAW_ONE);
  EXPECT_EQ(law_next(1000 * LAW_ONE, 100, 100, 100000), 1500U * LAW_ONE);
}

TEST(Law, ExtremesDoNotOverflow) {
  EXPECT_GT(law_target_us(0, ~0U, ~0U), 0U);
  EXPECT_GT(law_next(LAW_MOST * LAW_ONE, ~0U, ~0U, ~0U), 0U);
  EXPECT_EQ(law_next(10 * LAW_ONE, 0, 0, 0), 5U * LAW_ONE);
  EXPECT_GT(pacing_rate(1000000, 65483, 1, PACING_SLOW_START), 0U);
}

TEST(Roots, AreRoundedDown) {
  for (const uint64_t root : {0ULL, 1ULL, 2ULL, 999ULL, (1ULL << 20) - 1})
    for (const uint64_t more : {uint64_t{0}, 2 * root}) {
      EXPECT_EQ(integer_root(root * root + more), root);
      EXPECT_EQ(integer_cube_root(root * root * root + more), root);
    }
  EXPECT_EQ(integer_root(~0ULL), (1U << 24) - 1);
  EXPECT_EQ(integer_cube_root(~0ULL), (1U << 20) - 1);
}

// RFC 9438, 4.2: with C = 0.4, from 70 of 100 packets K = cbrt(30 / 0.4) = 4.217 s.
TEST(Cubic, IsBackAtTheMaximumAfterKAndFlatThere) {
  cubic curve{};
  cubic_begin(&curve, 70 * LAW_ONE, 100 * LAW_ONE, 5);
  EXPECT_NEAR(curve.rise_ms, 4217, 1);
  EXPECT_NEAR(cubic_at(&curve, 0), 70 * LAW_ONE, 2);
  EXPECT_EQ(cubic_at(&curve, 4217), 100U * LAW_ONE);
  EXPECT_NEAR(cubic_at(&curve, 5217), 100 * LAW_ONE + LAW_ONE * 4 / 10, 1);
  EXPECT_NEAR(cubic_at(&curve, 2 * 4217), 130 * LAW_ONE, 2);
}

TEST(Cubic, ExtremesDoNotOverflow) {
  cubic curve{};
  cubic_begin(&curve, WINDOW_LEAST_X64, CUBIC_MAX, 0);
  for (const uint32_t since_ms : {0U, 1U, 60000U, ~0U}) {
    EXPECT_LE(cubic_at(&curve, since_ms), uint32_t{CUBIC_MAX});
  }
  cubic_begin(&curve, 100 * LAW_ONE, 50 * LAW_ONE, 0);  // a maximum below the start is ignored
  EXPECT_EQ(curve.rise_ms, 0U);
  EXPECT_EQ(cubic_at(&curve, 0), 100U * LAW_ONE);
}

TEST(Policy, AWindowHoldsWholePacketsAndAtLeastOne) {
  EXPECT_EQ(window_of_bytes(0, kMss), WINDOW_ENDLESS);
  EXPECT_EQ(window_of_bytes(10 * kMss, kMss), 10U);
  EXPECT_EQ(window_of_bytes(10 * kMss - 1, kMss), 9U);
  EXPECT_EQ(window_of_bytes(1, kMss), 1U);
}

TEST(Policy, AWindowIsNotExceededInAnyState) {
  for (uint32_t state = 0; state < SLUICE_CONGESTION_STATE_COUNT; ++state) {
    window flow = fresh_window(7);
    flow.ssthresh_packets = 100;
    flow.state = static_cast<__u8>(state);
    flow.mode = static_cast<__u8>(state);
    for (int i = 0; i < 50; ++i) {
      window_ack ack = plain_ack(flow);
      ack.rtt_us = 1000;
      ack.round_ended = true;
      ack.ceiling_packets = 7;
      window_on_ack(&flow, &ack);
      ASSERT_LE(flow.cwnd_packets, 7U) << "state " << state;
    }
  }
}

TEST(Policy, ALoweredWindowTakesEffectAtTheNextAcknowledgement) {
  Flow flow({});
  flow.rounds(100);
  flow.limit(20);
  flow.round();
  EXPECT_EQ(flow.cwnd(), 20U);
}

TEST(Policy, ARateCountsTheHeadersOfEveryPacket) {
  // 50 Mbit/s on the wire in packets of 1500: 1448 of each are payload.
  EXPECT_EQ(pacing_payload_rate(6250000, kMss, 52), 6250000ULL * 1448 / 1500);
  EXPECT_EQ(pacing_payload_rate(6250000, 0, 52), 6250000U);
  EXPECT_EQ(pacing_payload_rate(~0ULL, kMss, 52), ~0ULL) << "no limit, and no overflow";
}

TEST(Policy, AWindowRateIsWhatThePathHolds) {
  EXPECT_EQ(pacing_window(1448000, kMss, 40000), 41U);  // a thousand packets a second, 40 in 40 ms
  EXPECT_EQ(pacing_window(1, kMss, 40000), 2U);
  EXPECT_EQ(pacing_window(1448000, kMss, 0), 2U) << "the path is unknown";
  EXPECT_EQ(pacing_window(~0ULL, kMss, ~0U), uint32_t{WINDOW_ENDLESS});
  EXPECT_EQ(pacing_window(1448000, 0, 40000), uint32_t{WINDOW_ENDLESS});
}

TEST(Pacing, SendsOneByOneWhereTwoPacketsTakeLongerThanAMillisecond) {
  EXPECT_EQ(pacing_least_burst(2895999, kMss), 1U);
  EXPECT_EQ(pacing_least_burst(2896000, kMss), 2U);
}

TEST(Pacing, HasNoMarginWhereManyPacketsAreLost) {
  window flow = settled_window(100);
  EXPECT_EQ(window_pacing_gain(&flow), uint32_t{PACING_AVOIDANCE});
  flow.loss = RECOVERY_LOSS_OF_1024 << 16;
  EXPECT_EQ(window_pacing_gain(&flow), uint32_t{PACING_POLICED});
  flow = fresh_window();
  EXPECT_EQ(window_pacing_gain(&flow), uint32_t{PACING_SLOW_START});
}

TEST(Pacing, SendsAWindowInLittleLessThanARoundTrip) {
  // 100 packets of 1448 bytes every 10 ms, and a fifth more.
  EXPECT_EQ(pacing_rate(100, kMss, 10000, PACING_AVOIDANCE), 14480000ULL * 12 / 10);
  EXPECT_EQ(pacing_rate(10, kMss, 0, 100), 10ULL * kMss * 1000000 / PACING_FIRST_RTT_US);
}

}  // namespace
}  // namespace sluice::simulation
