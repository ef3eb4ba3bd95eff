// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Competing with senders that fill buffers (pure/compete.h).
#include <gtest/gtest.h>

#include <cstdint>

#include "unit/support/single_window.h"

namespace sluice::simulation {
namespace {

TEST(Competing, FollowsCubicWithFastConvergenceAfterALoss) {
  window flow = settled_window(100);
  flow.min_rtt_us = 40000;
  window_compete(&flow, 100 * LAW_ONE, 100 * LAW_ONE, 0);
  lose_once(flow);
  EXPECT_EQ(flow.ssthresh_packets, 70U);
  EXPECT_EQ(flow.cubic.top_x64, 100U * LAW_ONE);
  window_on_repaired(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_COMPETE);
  lose_once(flow);  // 70, below the last maximum: the target is 0.85 of it
  EXPECT_NEAR(flow.cubic.top_x64, 70 * LAW_ONE * 85 / 100, 8);
}

TEST(Competing, AFlowWithALowShareReducesLessAfterALoss) {
  window flow = settled_window(100);
  flow.share = WINDOW_LOW_SHARE - 1;
  window_compete(&flow, 100 * LAW_ONE, 100 * LAW_ONE, 0);
  lose_once(flow);
  EXPECT_EQ(flow.ssthresh_packets, 84U);
}

}  // namespace
}  // namespace sluice::simulation
