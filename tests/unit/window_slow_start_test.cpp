// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Slow start: growth, end and resumption (pure/slow_start.h).
#include <gtest/gtest.h>

#include <cstdint>

#include "unit/support/single_window.h"

namespace sluice::simulation {
namespace {

TEST(SlowStart, DoublesEveryRound) {
  Flow flow({.holds_packets = 10000});
  flow.round();
  EXPECT_EQ(flow.cwnd(), 20U);
  flow.rounds(3);
  EXPECT_EQ(flow.cwnd(), 160U);
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_SLOW_START});
}

TEST(SlowStart, EndsWhenAQueueBuildsAndBeforeTheBufferIsFull) {
  Flow flow({});
  flow.rounds(6);
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_AVOIDANCE});
  EXPECT_LE(flow.most(), 2 * flow.path_.holds_packets);
  EXPECT_GT(flow.window_.ssthresh_packets, flow.path_.holds_packets / 2);
  EXPECT_LT(flow.window_.ssthresh_packets, WINDOW_ENDLESS);
}

TEST(SlowStart, EndsAtItsThreshold) {
  window flow = fresh_window(20);
  flow.ssthresh_packets = 25;
  window_ack ack = plain_ack(flow);
  ack.acked_packets = 20;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 25U);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

TEST(SlowStart, ItsDelayThresholdIsThatOfRfc9406) {
  EXPECT_FALSE(window_queue_builds(100, 4099, 0));  // at least 4 ms
  EXPECT_TRUE(window_queue_builds(100, 4100, 0));
  EXPECT_FALSE(window_queue_builds(80000, 89999, 0));  // an eighth
  EXPECT_TRUE(window_queue_builds(80000, 90000, 0));
  EXPECT_FALSE(window_queue_builds(800000, 815999, 0));  // at most 16 ms
  EXPECT_TRUE(window_queue_builds(800000, 816000, 0));
  EXPECT_FALSE(window_queue_builds(80000, 99999, 1));  // twice as long after a false alarm
  EXPECT_TRUE(window_queue_builds(80000, 100000, 1));
}

TEST(SlowStart, ResumesAfterAFalseAlarm) {
  window flow = fresh_window(50);
  flow.min_rtt_us = 40000;
  window_ack ack = plain_ack(flow);
  ack.rtt_us = 50000;
  ack.round_ended = true;
  window_on_ack(&flow, &ack);
  ASSERT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
  ack.rtt_us = 40000;
  for (int i = 0; i < 3 * WINDOW_ROUND_SAMPLES; ++i) window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
  EXPECT_EQ(flow.ssthresh_packets, WINDOW_ENDLESS);
}

TEST(SlowStart, OneLateAcknowledgementDoesNotEndIt) {
  window flow = fresh_window(100);
  flow.min_rtt_us = 1000;
  window_ack ack = plain_ack(flow);
  ack.rtt_us = 50000;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
  ack.rtt_us = 1000;
  ack.round_ended = true;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
}

TEST(SlowStart, DoesNotGrowWhileTheApplicationSendsLess) {
  Flow flow({.holds_packets = 10000});
  for (int i = 0; i < 10; ++i) flow.round(0, false);
  EXPECT_EQ(flow.cwnd(), uint32_t{WINDOW_INITIAL});
}

TEST(SlowStart, EndsWhenThePolicyLimitsTheFlow) {
  window flow = fresh_window();
  window_ack ack = plain_ack(flow);
  ack.policed = true;
  ack.round_ended = true;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

TEST(SlowStart, ResumesWhenThePolicyIsLoosened) {
  window flow = settled_window(WINDOW_INITIAL);
  window_reopen(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
  EXPECT_EQ(flow.ssthresh_packets, WINDOW_ENDLESS);
}

TEST(SlowStart, DoesNotResumeDuringRecovery) {
  window flow = fresh_window();
  window_on_recovery(&flow);
  window_reopen(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_RECOVERY);
}

}  // namespace
}  // namespace sluice::simulation
