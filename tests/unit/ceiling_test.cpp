// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The receive-window ceiling (pure/ceiling.h): its arithmetic, also where sequence numbers wrap,
// and a random receiver and sender under it.
#include "pure/ceiling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace {

constexpr uint32_t near_wrap = 0xfffffff0;

TEST(Ceiling, TheFieldIsRoundedUpAndNeverRaised) {
  EXPECT_EQ(ceiling_field(65535, 7, 262144), 2048);
  EXPECT_EQ(ceiling_field(65535, 7, 262145), 2049);
  EXPECT_EQ(ceiling_field(65535, 7, 1), 1);
  EXPECT_EQ(ceiling_field(100, 7, 262144), 100);
  EXPECT_EQ(ceiling_field(0, 7, 262144), 0);
  EXPECT_EQ(ceiling_field(65535, 0, 20000), 20000);
  EXPECT_EQ(ceiling_field(65535, 14, 0xffffffff), 65535);
}

TEST(Ceiling, ANonzeroWindowNeverBecomesZero) {
  for (uint8_t scale = 0; scale <= CEILING_SCALE_MAX; scale++) {
    for (const uint32_t bytes : {1u, 536u, 1460u, 65535u}) {
      EXPECT_GE(ceiling_field(1, scale, bytes), 1);
      EXPECT_GE(uint32_t{ceiling_field(65535, scale, bytes)} << scale, bytes);
    }
  }
}

TEST(Ceiling, ThereIsRoomForOneSegment) {
  EXPECT_EQ(ceiling_allowance(100, 1460), 1460);
  EXPECT_EQ(ceiling_allowance(20000, 1460), 20000);
}

TEST(Ceiling, SequenceNumbersWrap) {
  EXPECT_TRUE(ceiling_after(1, 0));
  EXPECT_TRUE(ceiling_after(5, near_wrap));
  EXPECT_FALSE(ceiling_after(near_wrap, 5));
  EXPECT_FALSE(ceiling_after(7, 7));
  EXPECT_EQ(ceiling_edge(near_wrap, 2, 4), 16);
  EXPECT_EQ(ceiling_promised(near_wrap, 16, 4), 32);
}

TEST(Ceiling, ThePromisedEdgeStands) {
  const uint32_t edge = ceiling_edge(near_wrap, 2048, 7);
  EXPECT_EQ(ceiling_lower(65535, 7, near_wrap, edge, 65536), 2048);
  EXPECT_EQ(ceiling_lower(65535, 7, near_wrap + 131072, edge, 65536), 1024);
  EXPECT_EQ(ceiling_lower(65535, 7, near_wrap + 262144, edge, 65536), 512);
  EXPECT_EQ(ceiling_lower(1000, 7, near_wrap, edge, 65536), 1000);  // the client itself retreats
}

TEST(Ceiling, AnAckPastTheEdgeIsNotChanged) {
  EXPECT_EQ(ceiling_lower(65535, 7, near_wrap + 100, near_wrap, 65536), 65535);
  EXPECT_EQ(ceiling_lower(65535, 7, near_wrap, near_wrap, 65536), 512);
}

TEST(Ceiling, AnEdgeBeyondTheLargestWindowIsIgnored) {
  EXPECT_EQ(ceiling_promised(0, 65535u << 7, 7), 65535u << 7);
  EXPECT_EQ(ceiling_promised(0, (65535u << 7) + 1, 7), 0);
  EXPECT_EQ(ceiling_lower(65535, 7, 0, 0x7fffffff, 65536), 512);
}

TEST(Ceiling, OnlyAWindowThatMustBeScaledShowsTheScale) {
  EXPECT_TRUE(ceiling_shows_scale(502, 64240));
  EXPECT_TRUE(ceiling_shows_scale(32120, 64240));
  EXPECT_FALSE(ceiling_shows_scale(32121, 64240));
  EXPECT_FALSE(ceiling_shows_scale(64240, 64240));
}

// The receiver's buffer and the policy change at random. The sender never sees a window above the
// receiver's, nor an edge that the ceiling moves back. Once the earlier promise is used up, at most
// the policy and one granule are outstanding.
TEST(Ceiling, RandomWindowsAndPoliciesKeepTheRules) {
  std::mt19937 random(793);
  const auto draw = [&](uint32_t below) { return static_cast<uint32_t>(random() % below); };
  for (int life = 0; life < 300; life++) {
    const auto scale = static_cast<uint8_t>(draw(CEILING_SCALE_MAX + 1));
    const uint32_t granule = 1u << scale;
    uint32_t ack = near_wrap - draw(100000);
    uint32_t edge = ack;           // as the ceiling lets the sender have it
    uint32_t receiver_edge = ack;  // as the receiver advertises it
    uint32_t allowance = 1460 + draw(1 << 20);
    for (int step = 0; step < 500; step++) {
      if (draw(50) == 0) allowance = 1460 + draw(1 << 20);
      ack += std::min(edge - ack, draw(20000));
      // A receiver never moves its edge back, except by rounding down.
      const uint32_t least = std::min((receiver_edge - ack) >> scale, CEILING_FIELD_MAX);
      const auto field =
          static_cast<uint16_t>(std::min(CEILING_FIELD_MAX, least + draw(1 + (1 << 20) / granule)));
      const uint16_t lowered = ceiling_lower(field, scale, ack, edge, allowance);
      ASSERT_LE(lowered, field);
      if (field > 0) {
        ASSERT_GT(lowered, 0);
      }
      const uint32_t next = ceiling_edge(ack, lowered, scale);
      // Back by less than a granule: the receiver rounds down.
      ASSERT_LT(static_cast<int32_t>(edge - next), static_cast<int32_t>(granule));
      const uint32_t outstanding = next - ack;
      ASSERT_LE(outstanding, std::max(allowance, edge - ack) + granule);
      if (ceiling_after(next, edge)) edge = next;
      const uint32_t meant = ceiling_edge(ack, field, scale);
      if (ceiling_after(meant, receiver_edge)) receiver_edge = meant;
    }
  }
}

}  // namespace
