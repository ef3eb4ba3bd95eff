// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Slots of the departure table (pure/departure_slot.h): a flow keeps its slot while it waits.
#include "pure/departure_slot.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

#include "pure/hash.h"
#include "sluice/limits.h"

namespace sluice::departure_slot {
namespace {

constexpr uint64_t now = 1'000'000'000;

sluice_departure waiting(uint32_t tag, uint64_t until) {
  sluice_departure flow{};
  flow.tag = tag;
  flow.departs_ns = until;
  return flow;
}

TEST(DepartureSlot, ANewFlowTakesTheLineWithTheLowerLoad) {
  sluice_departure_line first{};
  sluice_departure_line second{};
  EXPECT_EQ(departure_slot_choose(&first, &second, now), 0);
  first.flows[0] = waiting(1, now + 1);
  EXPECT_EQ(departure_slot_choose(&first, &second, now), 2);
  second.flows[0] = waiting(2, now + 1);
  EXPECT_EQ(departure_slot_choose(&first, &second, now), 1);
  first.flows[1] = waiting(3, now + 1);
  EXPECT_EQ(departure_slot_choose(&first, &second, now), 3);
}

TEST(DepartureSlot, ASlotWhoseTimeHasPassedIsReused) {
  sluice_departure_line first{{waiting(1, now + 1), waiting(2, now)}};
  sluice_departure_line second{{waiting(3, now + 1), waiting(4, now + 1)}};
  EXPECT_EQ(departure_slot_choose(&first, &second, now), 1);
  EXPECT_EQ(departure_slot_choose(&second, &first, now), 3);
}

// Otherwise each of many slow flows would lose its slot to the next.
TEST(DepartureSlot, TheSlotSilentForLongestIsReusedFirst) {
  sluice_departure_line first{{waiting(1, now - 30), waiting(2, now - 40)}};
  sluice_departure_line second{{waiting(3, now - 20), waiting(4, now - 50)}};
  EXPECT_EQ(departure_slot_choose(&first, &second, now), 3);
  EXPECT_EQ(departure_slot_choose(&second, &first, now), 1);
  second.flows[0].tag = 0;  // free
  EXPECT_EQ(departure_slot_choose(&first, &second, now), 2);
}

TEST(DepartureSlot, IfAllFlowsWaitTheOneThatWaitsShortestLosesItsSlot) {
  sluice_departure_line first{{waiting(1, now + 40), waiting(2, now + 30)}};
  sluice_departure_line second{{waiting(3, now + 20), waiting(4, now + 30)}};
  EXPECT_EQ(departure_slot_choose(&first, &second, now), 2);
  second.flows[1].departs_ns = now + 10;
  EXPECT_EQ(departure_slot_choose(&first, &second, now), 3);
}

TEST(DepartureSlot, AClaimedSlotStartsEmpty) {
  sluice_departure slot = waiting(7, now + 5);
  slot.bytes = 9;
  slot.weight = 3;
  ASSERT_TRUE(departure_slot_claim(&slot, 8, 77));
  EXPECT_EQ(slot.tag, 8U);
  EXPECT_EQ(slot.departs_ns, 0U);
  EXPECT_EQ(slot.bytes, 0U);
  EXPECT_EQ(slot.weight, 0U);
  EXPECT_EQ(slot.seen_ticks, 77U);
}

TEST(DepartureSlot, NoFlowHasTheTagOfAFreeSlot) {
  EXPECT_EQ(departure_slot_tag(0x1234), 1U);
  EXPECT_EQ(departure_slot_tag(0xabcd'0000'1234), 0xabcdU);
}

TEST(DepartureSlot, TheTwoLinesDiffer) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; i++) {
    const uint64_t hash = random();
    EXPECT_NE(departure_slot_first(hash, 1023), departure_slot_second(hash, 1023));
  }
}

// In the table of an instance of default size.
TEST(DepartureSlot, NearlyAllOfAHundredThousandBusyFlowsHaveOne) {
  const uint32_t mask = SLUICE_FLOWS_DEFAULT / SLUICE_DEPARTURES_OF_LINE - 1;
  std::vector<sluice_departure_line> table(mask + 1);
  std::mt19937_64 random(7);
  sluice_seed seed{};
  for (auto& word : seed.words) word = random();
  int lost = 0;
  for (uint32_t client = 0; client < 100'000; client++) {
    sluice_flow flow{};
    flow.source.bytes[10] = flow.source.bytes[11] = 0xff;
    flow.source.bytes[14] = static_cast<uint8_t>(client >> 16);
    flow.source.bytes[15] = static_cast<uint8_t>(client >> 8);
    flow.source_port = static_cast<uint16_t>(client & 0xff);
    flow.l4_proto = 6;
    const uint64_t hash = flow_hash_whole(seed.words, &flow);
    sluice_departure_line& first = table[departure_slot_first(hash, mask)];
    sluice_departure_line& second = table[departure_slot_second(hash, mask)];
    const uint32_t tag = departure_slot_tag(hash);
    EXPECT_LT(departure_slot_index(&first, tag), 0) << "two flows share a slot";
    const int at = departure_slot_choose(&first, &second, now);
    sluice_departure& slot = at < 2 ? first.flows[at] : second.flows[at - 2];
    if (departure_slot_waits(&slot, now) != 0) lost++;
    departure_slot_claim(&slot, tag, 0);
    slot.departs_ns = now + 1'000'000;
  }
  // Two choices of two slots: a few flows of a thousand lose theirs if all the others wait.
  EXPECT_LE(lost, 400);
}

TEST(FlowHash, EveryBitOfAFlowCounts) {
  std::mt19937_64 random(3);
  sluice_seed seed{};
  for (auto& word : seed.words) word = random();
  sluice_flow flow{};
  const uint64_t before = flow_hash_whole(seed.words, &flow);
  for (size_t bit = 0; bit < 37 * 8; bit++) {
    sluice_flow other = flow;
    reinterpret_cast<uint8_t*>(&other)[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
    EXPECT_NE(flow_hash_whole(seed.words, &other), before) << bit;
    EXPECT_NE(departure_slot_tag(flow_hash_whole(seed.words, &other)), departure_slot_tag(before))
        << bit;
  }
}

}  // namespace
}  // namespace sluice::departure_slot
