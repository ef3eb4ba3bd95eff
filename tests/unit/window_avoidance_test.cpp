// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Avoidance and queue probes, on a path and by single acknowledgements (pure/avoidance.h,
// pure/queue.h).
#include <gtest/gtest.h>

#include <cstdint>

#include "unit/support/single_window.h"

namespace sluice::simulation {
namespace {

TEST(Avoidance, FillsThePathAndKeepsTheQueueAtItsTarget) {
  Flow flow({});
  flow.rounds(100);
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_AVOIDANCE});
  EXPECT_GE(flow.cwnd(), flow.path_.holds_packets);
  EXPECT_LE(flow.cwnd(), flow.path_.holds_packets + 7);  // 1.2 ms and a packet
}

TEST(Avoidance, TheQueueDoesNotDependOnTheBuffer) {
  Flow shallow({.buffer_packets = 167});
  Flow deep({.buffer_packets = 100000});
  shallow.rounds(100);
  deep.rounds(100);
  EXPECT_EQ(shallow.cwnd(), deep.cwnd());
}

TEST(Avoidance, TwoFlowsShareEvenly) {
  Path path;
  Flow early(path);
  Flow late(path);
  early.rounds(60);
  // The late flow has the same path; its handshake measured the least RTT.
  for (int i = 0; i < 400; ++i) {
    const uint32_t others = early.cwnd();
    early.round(late.cwnd());
    late.round(others);
  }
  const double ratio = static_cast<double>(early.cwnd()) / late.cwnd();
  EXPECT_NEAR(ratio, 1.0, 0.25) << early.cwnd() << " and " << late.cwnd();
}

TEST(Avoidance, AWindowThatIsNotFilledDoesNotChange) {
  window flow = settled_window(50);
  for (const uint32_t rtt_us : {1000U, 90000U}) {
    window_ack ack = plain_ack(flow);
    ack.filled = false;
    ack.round_ended = true;
    ack.rtt_us = rtt_us;
    window_on_ack(&flow, &ack);
    EXPECT_EQ(flow.cwnd_packets, 50U);
  }
}

TEST(Avoidance, TheWindowChangesOnceARound) {
  window flow = settled_window(50);
  window_ack ack = plain_ack(flow);
  ack.rtt_us = 1000;
  for (int i = 0; i < 49; ++i) window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 50U);
  ack.round_ended = true;
  window_on_ack(&flow, &ack);
  EXPECT_GT(flow.cwnd_packets, 50U);
}

// The minimum of many samples is lower than that of few: a flow that sends more would see a shorter
// queue.
TEST(Avoidance, TheLawUsesTheMeanOfGroupMinima) {
  window flow = settled_window(50);
  window_ack ack = plain_ack(flow);
  for (uint32_t part = 0; part < 4; ++part)
    for (uint32_t i = 0; i < WINDOW_PART_SAMPLES; ++i) {
      ack.rtt_us = 41000 + part * 100 + (i == 3 ? 0 : 5000);
      window_on_ack(&flow, &ack);
    }
  EXPECT_EQ(window_seen_rtt_us(&flow), 41150U);
  ack.rtt_us = 30000;  // delays vary by more than bursts cause: the minimum counts
  window_on_ack(&flow, &ack);
  EXPECT_EQ(window_seen_rtt_us(&flow), 30000U + LAW_MARGIN_US);
}

// Two samples delayed by jitter are no queue: a small window waits for more samples.
TEST(Avoidance, ARoundWithFewSamplesContinues) {
  window flow = settled_window(50);
  flow.min_rtt_us = 1000;
  window_ack ack = plain_ack(flow);
  ack.rtt_us = 9000;
  ack.round_ended = true;
  for (int i = 1; i < WINDOW_ROUND_SAMPLES; ++i) {
    window_on_ack(&flow, &ack);
    EXPECT_EQ(flow.cwnd_packets, 50U) << i;
  }
  window_on_ack(&flow, &ack);
  EXPECT_LT(flow.cwnd_packets, 50U);
}

TEST(Avoidance, FreedCapacityIsUsedWithinFewRounds) {
  Flow flow({});
  flow.rounds(40);
  flow.path_.holds_packets = 10 * 167;
  int rounds = 0;
  for (; rounds < 60 && flow.cwnd() < flow.path_.holds_packets * 9 / 10; ++rounds) flow.round();
  EXPECT_LT(rounds, 35) << flow.cwnd();  // at 4.6 packets a round, the law alone, it would take 290
}

TEST(QueueProbe, ADipFollowsTheHostsClockAndEndsAfterTwoRounds) {
  Flow flow({});
  flow.rounds(40);
  const uint32_t settled = flow.cwnd();
  int dipped = 0;
  int before = 0;
  for (int i = 0; i < 3 * QUEUE_DIP_MS / 40; ++i) {
    before = static_cast<int>(flow.window_.probe_rounds);
    flow.round();
    if (before == 0 && flow.window_.probe_rounds != 0) {
      ++dipped;
      EXPECT_LT(flow.now_ms() % QUEUE_DIP_MS, 50U);
      EXPECT_LT(flow.cwnd(), flow.path_.holds_packets);
      EXPECT_GT(flow.cwnd(), flow.path_.holds_packets * 9 / 10);
    }
  }
  EXPECT_EQ(dipped, 3);
  while (flow.window_.probe_rounds != 0) flow.round();
  EXPECT_NEAR(flow.cwnd(), settled, 3);
}

TEST(QueueProbe, TheLeastRttFollowsALongerPath) {
  Flow flow({});
  flow.rounds(40);
  flow.path_.rtt_us = 60000;
  flow.path_.holds_packets = 250;
  while (flow.now_ms() < 3 * QUEUE_MIN_RTT_LIFE_MS) flow.round();
  EXPECT_EQ(flow.window_.min_rtt_us, 60000U);
  EXPECT_GE(flow.cwnd(), 250U);
}

TEST(QueueProbe, TheLeastRttOfRecentDipsReplacesAnOldMinimum) {
  window flow = settled_window(100);
  flow.min_rtt_us = 40000;
  flow.round_rtt_us = 40400;
  queue_dip_end(&flow, QUEUE_MIN_RTT_LIFE_MS);
  EXPECT_EQ(flow.min_rtt_us, 40000U);
  flow.round_rtt_us = 40600;
  queue_dip_end(&flow, QUEUE_MIN_RTT_LIFE_MS + 1);
  EXPECT_EQ(flow.min_rtt_us, 40400U) << "the least of both";
}

TEST(QueueProbe, AQueueThatRemainsWithoutOurPartMakesTheFlowCompete) {
  Flow flow({.buffer_packets = 1000});
  flow.rounds(40);
  // Other traffic keeps 300 packets in flight in any case; the law alone would shrink to nothing.
  for (int i = 0; i < 60 && flow.state() == SLUICE_CONGESTION_AVOIDANCE; ++i) flow.round(300);
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_COMPETE});
  flow.rounds(40, 300);
  EXPECT_GT(flow.cwnd(), 150U);
}

TEST(QueueProbe, WithoutOtherTrafficTheFlowReturnsToTheDelayLaw) {
  Flow flow({.buffer_packets = 1000});
  flow.rounds(40);
  for (int i = 0; i < 60; ++i) flow.round(300);
  ASSERT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_COMPETE});
  const uint32_t left_at_ms = flow.now_ms();
  while (flow.state() == SLUICE_CONGESTION_COMPETE && flow.now_ms() < left_at_ms + 60000)
    flow.round();
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_AVOIDANCE});
  flow.rounds(60);
  EXPECT_LE(flow.cwnd(), flow.path_.holds_packets + 8);
}

TEST(QueueProbe, TheShareIsTheChangeOfDelayPerChangeOfWindow) {
  window flow = settled_window(100);
  flow.kept_x64 = 100 * LAW_ONE;
  flow.law_x64 = 50 * LAW_ONE;
  flow.block_rtt_us = 100000;
  flow.round_rtt_us = 75000;  // half of the window removed, and a quarter of the delay
  queue_learn_share(&flow);
  EXPECT_EQ(flow.share, 128);
  flow.round_rtt_us = 110000;  // no change: not usable
  queue_learn_share(&flow);
  EXPECT_EQ(flow.share, 128);
}

}  // namespace
}  // namespace sluice::simulation
