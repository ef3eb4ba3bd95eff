// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A live ring through its changes, slot by slot, and as the packet path reads it.
#include "model/ring.h"

#include "pure/ring_layout.h"
#include "sluice/limits.h"

#include <gtest/gtest.h>

#include <ostream>

namespace sluice {

static void PrintTo(const RingSlot& slot, std::ostream* out) {
  *out << (slot.moving ? "moving" : "settled") << " on " << slot.backend << " from "
       << slot.previous;
}

namespace {

constexpr uint32_t kNone = 0;
constexpr uint32_t kOne = 1;
constexpr uint32_t kTwo = 2;
constexpr uint32_t kThree = 3;

RingSlot settled(uint32_t backend) {
  return {backend, 0, false};
}
RingSlot moving(uint32_t backend, uint32_t previous, uint32_t since_s = 0) {
  return {backend, previous, true, since_s};
}

struct Transition {
  std::string_view why;
  RingSlot before;
  uint32_t target;
  std::vector<uint32_t> down;
  RingSlot after;
};

TEST(RingTransition, FollowsTheTableOfSlots) {
  const std::vector<Transition> cases = {
      {"nothing changes", settled(kOne), kOne, {}, settled(kOne)},
      {"another is down", settled(kOne), kOne, {kTwo}, settled(kOne)},
      {"a slot is given away", settled(kOne), kTwo, {}, moving(kTwo, kOne)},
      {"an empty slot has nothing to keep", settled(kNone), kOne, {}, settled(kOne)},
      {"an empty slot stays empty", settled(kNone), kNone, {}, settled(kNone)},
      {"the last backend is drained", settled(kOne), kNone, {}, moving(kNone, kOne)},
      {"the last backend goes down", settled(kOne), kNone, {kOne}, moving(kNone, kNone)},
      {"a backend goes down", settled(kOne), kTwo, {kOne}, moving(kTwo, kTwo)},
      {"it moves on", moving(kTwo, kOne), kThree, {}, moving(kThree, kOne)},
      {"it moves back", moving(kTwo, kOne), kOne, {}, moving(kOne, kOne)},
      {"it moved back and stays", moving(kOne, kOne), kOne, {}, moving(kOne, kOne)},
      {"it moved back and is given away", moving(kOne, kOne), kTwo, {}, moving(kTwo, kOne)},
      {"nothing changes in a moving one", moving(kTwo, kOne), kTwo, {}, moving(kTwo, kOne)},
      {"the previous one goes down", moving(kTwo, kOne), kTwo, {kOne}, moving(kTwo, kTwo)},
      {"previous down, and it moves on",
       moving(kTwo, kOne),
       kThree,
       {kOne},
       moving(kThree, kThree)},
      {"its backend goes down", moving(kTwo, kOne), kThree, {kTwo}, moving(kThree, kOne)},
      {"both go down", moving(kTwo, kOne), kThree, {kTwo, kOne}, moving(kThree, kThree)},
      {"a stand-in goes down", moving(kTwo, kTwo), kThree, {kTwo}, moving(kThree, kThree)},
      {"a stand-in stays through changes", moving(kTwo, kTwo), kThree, {}, moving(kThree, kTwo)},
      {"its backend is drained, the last", moving(kTwo, kOne), kNone, {}, moving(kNone, kOne)},
      {"drained, and previous is down", moving(kTwo, kOne), kNone, {kOne}, moving(kNone, kNone)},
      {"all are drained and one comes", moving(kNone, kOne), kTwo, {}, moving(kTwo, kOne)},
      {"no backend was left and one is added", moving(kNone, kNone), kTwo, {}, moving(kTwo, kTwo)},
  };
  for (const Transition& c : cases) {
    EXPECT_EQ(ring_transition({c.before}, {c.target}, c.down), Ring{c.after}) << c.why;
    std::vector<uint32_t> unsorted_down = {99, 98};
    unsorted_down.insert(unsorted_down.end(), c.down.begin(), c.down.end());
    unsorted_down.push_back(7);
    EXPECT_EQ(ring_transition({c.before}, {c.target}, unsorted_down), Ring{c.after}) << c.why;
  }
}

TEST(RingTransition, ASlotMovesSinceItLeftItsSettledStateWhateverComesAfter) {
  Ring ring = ring_transition({settled(kOne), settled(kTwo)}, {kTwo, kTwo}, {}, 1000);
  EXPECT_EQ(ring, (Ring{moving(kTwo, kOne, 1000), settled(kTwo)}));
  ring = ring_transition(ring, {kThree, kThree}, {}, 2000);
  EXPECT_EQ(ring, (Ring{moving(kThree, kOne, 1000), moving(kThree, kTwo, 2000)}));
  ring = ring_transition(ring, {kOne, kOne}, {kTwo}, 3000);
  EXPECT_EQ(ring, (Ring{moving(kOne, kOne, 1000), moving(kOne, kOne, 2000)}));
}

TEST(RingTransition, TheFirstRingEverIsSettled) {
  EXPECT_EQ(ring_transition({}, {kOne, kTwo}, {}), (Ring{settled(kOne), settled(kTwo)}));
  EXPECT_EQ(ring_transition({}, {kNone, kNone}, {kOne}), (Ring{settled(kNone), settled(kNone)}));
}

TEST(RingTransition, WithoutAnyWeightEveryoneKeepsTheirConnections) {
  const auto empty = maglev_build({{kOne, 10, 0}, {kTwo, 20, 0}}, 1);
  EXPECT_EQ(ring_transition({settled(kOne), settled(kTwo)}, empty, {}),
            (Ring{moving(kNone, kOne), moving(kNone, kTwo)}));
}

TEST(RingTransition, WantsATargetOfItsOwnSize) {
  EXPECT_DEATH((void)ring_transition({settled(kOne), settled(kOne)}, {kOne}, {}), "ring_refine");
  EXPECT_DEATH((void)ring_transition({settled(kOne)}, {kOne, kOne}, {}), "ring_refine");
}

TEST(RingRefine, EveryFlowFindsWhatItFoundBefore) {
  const Ring ring = {settled(kOne), moving(kTwo, kOne), settled(kThree), settled(kNone)};
  const Ring refined = ring_refine(ring, 5);
  ASSERT_EQ(refined.size(), 32U);
  for (uint32_t hash = 0; hash < 32; hash++) EXPECT_EQ(refined[hash], ring[hash >> 3]);
  EXPECT_EQ(ring_refine(ring, 2), ring);
  EXPECT_EQ(ring_refine({}, 8), Ring{});
}

TEST(RingRefine, NeverShrinks) {
  EXPECT_DEATH((void)ring_refine(Ring(4), 1), "only grows");
  EXPECT_DEATH((void)ring_refine(Ring(3), 8), "power of two");
}

TEST(Ring, SettlesOnItsBackends) {
  const Ring ring = {settled(kOne), moving(kTwo, kOne), moving(kNone, kThree)};
  EXPECT_EQ(ring_moving_slots(ring), 2U);
  const Ring after = ring_settled(ring);
  EXPECT_EQ(after, (Ring{settled(kOne), settled(kTwo), settled(kNone)}));
  EXPECT_EQ(ring_moving_slots(after), 0U);
}

Ring ring_of_256() {
  Ring ring(256);
  for (uint32_t i = 0; i < ring.size(); i++) ring[i] = settled(i + 1);
  return ring;
}

TEST(RingLines, ASettledRingIsOneColumn) {
  const Ring ring = ring_of_256();
  const auto lines = ring_lines(ring, 60);
  ASSERT_EQ(lines.size(), 16U);
  EXPECT_EQ(lines[0].slots[0], 1U);
  EXPECT_EQ(lines[1].slots[3], 20U);
  EXPECT_EQ(ring_from_lines(lines), ring);
}

TEST(RingLines, AMovingRingIsTwoColumnsAndTimes) {
  Ring ring = ring_of_256();
  ring[19] = moving(kTwo, kThree, 1000);
  ring[20] = moving(kNone, SLUICE_SLOT_BACKEND, 1000);
  ring[255] = moving(kOne, kTwo, 2000);
  const auto lines = ring_lines(ring, 60);
  ASSERT_EQ(lines.size(), 34U);
  EXPECT_EQ(lines[1].slots[3], kTwo | SLUICE_SLOT_MOVING);
  EXPECT_EQ(lines[17].slots[3], kThree);
  EXPECT_EQ(lines[1].slots[4], SLUICE_SLOT_MOVING);
  EXPECT_EQ(lines[17].slots[4], SLUICE_SLOT_BACKEND);
  EXPECT_EQ(lines[17].slots[5], 0U);
  EXPECT_EQ(lines[32].slots[1], 1000U);
  EXPECT_EQ(lines[32].slots[2], 0U);
  EXPECT_EQ(lines[32].slots[15], 2000U);
  EXPECT_EQ(lines[33].slots[SLUICE_RING_TIMEOUT_S], 60U);
  EXPECT_EQ(ring_from_lines(lines), ring);
}

TEST(RingLines, ALineHasTheTimeOfItsYoungestMovingSlot) {
  Ring ring = ring_of_256();
  ring[16] = moving(kTwo, kThree, 1000);
  ring[18] = moving(kTwo, kThree, 3000);
  ring[31] = moving(kTwo, kThree, 2000);
  const Ring read = ring_from_lines(ring_lines(ring, 60));
  for (const size_t slot : {16U, 18U, 31U}) EXPECT_EQ(read[slot].since_s, 3000U);
  EXPECT_EQ(read[17], ring[17]);
}

TEST(RingLines, TheirNumberSaysWhetherARingMovesAndHowLongItsColumnsAre) {
  for (uint32_t bits = SLUICE_RING_BITS_MIN; bits <= SLUICE_RING_BITS_MAX; bits++) {
    const uint32_t column = (1U << bits) / SLUICE_RING_LINE_SLOTS;
    const uint32_t lines = ring_moving_lines(column);
    EXPECT_TRUE(ring_lines_settled(column));
    EXPECT_FALSE(ring_lines_settled(lines));
    EXPECT_EQ(ring_moving_column(lines), column);
    EXPECT_EQ(lines, 33 * column / SLUICE_RING_LINE_SLOTS + 1);
  }
}

TEST(RingLines, OfNoRingAreNone) {
  EXPECT_TRUE(ring_lines({}, 60).empty());
}

TEST(RingLines, RefuseWhatTheyCannotHold) {
  Ring wide(256);
  wide[0] = settled(SLUICE_SLOT_MOVING);
  EXPECT_DEATH((void)ring_lines(wide, 60), "31 bits");
  EXPECT_DEATH((void)ring_lines(Ring(64), 60), "BITS_MIN");
  EXPECT_DEATH((void)ring_from_lines(std::vector<sluice_ring_line>(35)), "neither");
}

}  // namespace
}  // namespace sluice
