// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Losses, time-outs and silence (pure/congestion_window.h).
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "unit/support/single_window.h"

namespace sluice::simulation {
namespace {

TEST(Loss, ALossAtAShortQueueIsRepairedWithoutAReduction) {
  window flow = settled_window(100);
  flow.min_rtt_us = 40000;
  flow.rtt_us = 40900;
  flow.queue_most_us = 6000;
  const uint32_t ssthresh = flow.ssthresh_packets;
  lose_once(flow, WINDOW_LOST);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_RECOVERY);
  EXPECT_EQ(flow.ssthresh_packets, ssthresh);
  window_ack ack = plain_ack(flow);
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 100U);
  window_on_repaired(&flow);
  EXPECT_EQ(flow.cwnd_packets, 100U);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

TEST(Loss, ALossAtALongQueueIndicatesCongestion) {
  for (auto [queue_us, most_us, rtt_us, congested] :
       std::vector<std::tuple<uint32_t, uint32_t, uint32_t, bool>>{
           {999, 0, 40000, false},         // almost no queue
           {1000, 1500, 40000, true},      // a small buffer, two thirds full
           {2900, 4500, 40000, false},     // too short
           {5000, 400000, 40000, true},    // longer than our own queue ever is
           {6000, 400000, 100000, false},  // but on a long path
           {12500, 400000, 100000, true},
       }) {
    EXPECT_EQ(recovery_queue_long(queue_us, most_us, rtt_us), congested)
        << queue_us << " of " << most_us;
  }
}

TEST(Loss, AMarkIndicatesCongestionAtAnyQueue) {
  window flow = settled_window(100);
  lose_once(flow, WINDOW_MARKED);
  EXPECT_EQ(flow.ssthresh_packets, 70U);
}

// A policer has no queue and loses every twelfth packet. A bad link loses one of a hundred.
TEST(Loss, AHighLossRateIndicatesCongestionWithoutAQueue) {
  for (auto [each, congested] : std::vector<std::pair<uint32_t, bool>>{{12, true}, {100, false}}) {
    window flow = settled_window(100);
    for (uint32_t i = 0; i < 3000; ++i) {
      window_ack ack = plain_ack(flow);
      ack.lost_packets = i % each == 0 ? 1 : 0;
      ack.acked_packets = 1 - ack.lost_packets;
      ack.round_ended = i % 100 == 99;
      ack.filled = false;
      window_on_ack(&flow, &ack);
    }
    lose_once(flow, WINDOW_LOST);
    EXPECT_EQ(flow.ssthresh_packets < 100, congested) << "one of " << each;
  }
}

TEST(Recovery, ReducesToSevenTenthsOncePerWindow) {
  window flow = settled_window(100);
  lose_once(flow);
  EXPECT_EQ(flow.ssthresh_packets, 70U);
  flow.reduced_by_packets = 42;
  window_on_recovery(&flow);  // a second loss of the same window
  EXPECT_EQ(flow.reduced_by_packets, 42U);
  window_on_repaired(&flow);
  EXPECT_EQ(flow.cwnd_packets, 70U);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

// RFC 6937, 4 (its first figure): 20 packets, the first is lost, every one after it is
// acknowledged selectively; half of the window remains there, seven tenths here.
TEST(Recovery, SendsSevenPacketsForTenDelivered) {
  window flow = settled_window(20);
  lose_once(flow);
  uint32_t inflight = 19;
  uint32_t sent = 0;
  for (uint32_t delivered = 1; delivered <= 19; ++delivered) {
    --inflight;
    window_ack ack = plain_ack(flow);
    ack.inflight_packets = inflight;
    ack.prior_packets = 20;
    ack.sent_packets = sent;
    ack.advanced = false;
    window_on_ack(&flow, &ack);
    ASSERT_GE(flow.cwnd_packets, inflight);
    sent += flow.cwnd_packets - inflight;
    inflight = flow.cwnd_packets;
    EXPECT_NEAR(sent, 0.7 * delivered, 1.0) << "after " << delivered;
  }
  EXPECT_EQ(inflight, flow.ssthresh_packets);
}

TEST(Recovery, AlwaysSendsTheFastRetransmit) {
  window flow = fresh_window(10);
  flow.ssthresh_packets = 7;
  flow.flags |= WINDOW_CONGESTED;
  window_on_recovery(&flow);
  window_ack ack = plain_ack(flow);
  ack.inflight_packets = 7;  // at the limit, and it is sent nevertheless
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 8U);
  ack.sent_packets = 1;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 7U);
}

TEST(Recovery, AfterAHeavyLossSendsAtMostOneMoreThanDelivered) {
  window flow = fresh_window(100);
  flow.ssthresh_packets = 70;
  flow.flags |= WINDOW_CONGESTED;
  window_on_recovery(&flow);
  window_ack ack = plain_ack(flow);
  ack.inflight_packets = 4;
  ack.acked_packets = 2;
  ack.sent_packets = 2;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 4U + 2 + 1);
  ack.lost_packets = 5;  // not even the one more while further losses are found
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 4U + 2);
}

TEST(Recovery, AnAcknowledgementThatDeliversNothingSendsNothing) {
  window flow = fresh_window(20);
  flow.ssthresh_packets = 14;
  flow.flags |= WINDOW_CONGESTED;
  window_on_recovery(&flow);
  window_ack ack = plain_ack(flow);
  ack.acked_packets = 0;
  ack.inflight_packets = 3;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 20U);
}

TEST(Recovery, AFalseLossKeepsTheWindowThatTheKernelRestored) {
  window flow = settled_window(100);
  flow.ssthresh_packets = 70;
  flow.flags |= WINDOW_CONGESTED;
  window_on_recovery(&flow);
  flow.flags |= WINDOW_UNDONE;
  flow.cwnd_packets = 100;
  flow.ssthresh_packets = 100;
  window_on_repaired(&flow);
  EXPECT_EQ(flow.cwnd_packets, 100U);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

TEST(Timeout, StartsAgainAndDoublesUpToTheThreshold) {
  window flow = settled_window(100);
  flow.ssthresh_packets = window_after_loss(&flow, WINDOW_CERTAIN, 0);
  flow.cwnd_packets = 1;
  window_on_timeout(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_TIMEOUT);
  for (uint32_t expected : {2U, 4U, 8U, 16U, 32U, 64U, 70U, 70U}) {
    window_ack ack = plain_ack(flow);
    ack.acked_packets = flow.cwnd_packets;
    window_on_ack(&flow, &ack);
    EXPECT_EQ(flow.cwnd_packets, expected);
  }
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_TIMEOUT) << "until the kernel ends the repair";
  window_on_repaired(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

TEST(Timeout, AnEarlyRepairContinuesInSlowStart) {
  window flow = fresh_window(1);
  flow.ssthresh_packets = 70;
  window_on_timeout(&flow);
  window_on_repaired(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
  EXPECT_EQ(flow.cwnd_packets, 1U);
}

TEST(Silence, HalvesTheWindowWithEachTimeOutDownToTheInitialOne) {
  for (auto [silence, expected] :
       std::vector<std::array<uint32_t, 2>>{{99, 80}, {100, 40}, {250, 20}, {100000, 10}}) {
    window flow = settled_window(80);
    window_on_silence(&flow, silence, 100);
    EXPECT_EQ(flow.cwnd_packets, expected) << silence;
  }
}

TEST(Silence, CountsOnceForRepeatedCalls) {
  window flow = settled_window(80);
  window_on_silence(&flow, 100, 100);
  window_on_silence(&flow, 101, 100);
  EXPECT_EQ(flow.cwnd_packets, 40U);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
  EXPECT_EQ(flow.ssthresh_packets, 80U);
}

TEST(Silence, DoesNotChangeASmallWindowOrARecovery) {
  window flow = fresh_window(4);
  window_on_silence(&flow, 1000, 100);
  EXPECT_EQ(flow.cwnd_packets, 4U);
  flow = fresh_window(80);
  window_on_timeout(&flow);
  window_on_silence(&flow, 1000, 100);
  EXPECT_EQ(flow.cwnd_packets, 80U);
  window_on_silence(&flow, 1000, 0);
  EXPECT_EQ(flow.cwnd_packets, 80U);
}

}  // namespace
}  // namespace sluice::simulation
