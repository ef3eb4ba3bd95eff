// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The layout that every version shares (include/sluice): numbers of verdicts and congestion states,
// and the sizes of the counters that they index. A new version may append; it may not renumber.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <string>

#include "sluice/congestion.h"
#include "sluice/counters.h"
#include "sluice/verdict.h"

namespace {

using Numbers = std::map<std::string, int>;

Numbers verdicts() {
  return {
#define VERDICT(NUMBER, NAME, name, action, sentence) {#name, SLUICE_VERDICT_##NAME},
      SLUICE_VERDICTS(VERDICT)
#undef VERDICT
  };
}

TEST(Contract, AVerdictKeepsTheNumberThatItWasGiven) {
  const Numbers given{
      {"not_ip", 0},
      {"not_ours", 1},
      {"malformed", 2},
      {"fragment", 3},
      {"steered", 4},
      {"translated", 5},
      {"reply_translated", 6},
      {"echo_answered", 7},
      {"too_big_reported", 8},
      {"neighbour_unknown", 9},
      {"punted_to_pace", 10},
      {"other_device", 11},
      {"no_backend", 12},
      {"backend_down", 13},
      {"unknown_flow", 14},
      {"ports_exhausted", 15},
      {"table_full", 16},
      {"no_route", 17},
      {"forwarding_off", 18},
      {"ttl_expired", 19},
      {"too_big", 20},
      {"source_denied", 21},
      {"connection_rate", 22},
      {"ingress_rate", 23},
      {"no_room", 24},
      {"decapsulated", 25},
      {"not_encapsulated", 26},
      {"punt_sent", 27},
      {"punt_no_route", 28},
      {"unpaced", 29},
      {"paced", 30},
      {"window_lowered", 31},
      {"marked", 32},
      {"injected_mark", 33},
      {"injected_loss", 34},
      {"horizon", 35},
      {"policed", 36},
  };
  const Numbers now = verdicts();
  for (const auto& [name, number] : given) {
    ASSERT_TRUE(now.contains(name)) << name << " was removed; its number must stay";
    EXPECT_EQ(now.at(name), number) << name;
  }
}

TEST(Contract, EachVerdictHasANumberOfItsOwnAndNoneIsLeftOut) {
  std::map<int, std::string> by_number;
  for (const auto& [name, number] : verdicts()) by_number.emplace(number, name);
  EXPECT_EQ(by_number.size(), size_t{SLUICE_VERDICT_COUNT});
  EXPECT_EQ(by_number.begin()->first, 0);
  EXPECT_EQ(by_number.rbegin()->first, SLUICE_VERDICT_COUNT - 1);
}

TEST(Contract, TheCountersHaveTheSameSizeHoweverManyVerdictsThereAre) {
  EXPECT_EQ(sizeof(sluice_verdict_counters), 64 * sizeof(sluice_counter));
  EXPECT_LE(SLUICE_VERDICT_COUNT, SLUICE_VERDICTS_MAX);
}

TEST(Contract, TheCounterOfAVerdictIsAtItsNumber) {
#define VERDICT(NUMBER, NAME, name, action, sentence) \
  EXPECT_EQ(offsetof(sluice_verdict_counters, name), NUMBER * sizeof(sluice_counter)) << #name;
  SLUICE_VERDICTS(VERDICT)
#undef VERDICT
}

TEST(Contract, ACongestionStateKeepsTheNumberThatItWasGiven) {
  EXPECT_EQ(SLUICE_CONGESTION_SLOW_START, 0);
  EXPECT_EQ(SLUICE_CONGESTION_AVOIDANCE, 1);
  EXPECT_EQ(SLUICE_CONGESTION_COMPETE, 2);
  EXPECT_EQ(SLUICE_CONGESTION_RECOVERY, 3);
  EXPECT_EQ(SLUICE_CONGESTION_TIMEOUT, 4);
  EXPECT_EQ(SLUICE_CONGESTION_CLOSED, 255);
  EXPECT_EQ(sizeof(sluice_congestion_flow::entered), 16 * sizeof(__u32));
  EXPECT_EQ(sizeof(sluice_congestion_service::flows), 16 * sizeof(__s64));
}

}  // namespace
