// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Connections to live backends never move, and the walk finds planted bugs that would move one.
#include "unit/support/tracking_walk.h"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

constexpr uint64_t kChanges = 1200;

void expect_no_move(L4Proto l4_proto, uint64_t seed) {
  const WalkTally tally = TrackingWalk(seed, l4_proto, Bug::none).run(kChanges);
  EXPECT_EQ(tally.astray, 0U) << "after " << tally.changes << " changes, seed " << seed;
  // The walk covered enough cases to be meaningful.
  EXPECT_EQ(tally.changes, kChanges);
  EXPECT_GT(tally.packets, 1'000'000U);
  EXPECT_GT(tally.opened, 20'000U);
  EXPECT_GT(tally.checked, 300'000U);
  EXPECT_GT(tally.checked_old, 50'000U);
  EXPECT_GT(tally.sweeps, 100U);
  EXPECT_GT(tally.settled_slots, 1000U);
  EXPECT_GT(tally.kept_slots, 1000U);
  EXPECT_GT(tally.purged, 1000U);
  EXPECT_GT(tally.removed, 20U);
  EXPECT_EQ(tally.refined, 2U);
}

TEST(TrackingWalk, NoConnectionToALiveBackendMoves) {
  for (uint64_t seed = 1; seed <= 2; seed++) expect_no_move(L4Proto::tcp, seed);
}

TEST(TrackingWalk, NoUdpFlowToALiveBackendMoves) {
  expect_no_move(L4Proto::udp, 3);
}

struct Planted {
  const char* name;
  Bug bug;
  bool udp;  // the bug affects UDP
};

class TrackingWalkFinds : public testing::TestWithParam<Planted> {};

TEST_P(TrackingWalkFinds, ThePlantedBug) {
  const auto is_found = [](L4Proto l4_proto) {
    for (uint64_t seed = 1; seed <= 6; seed++) {
      if (TrackingWalk(seed, l4_proto, GetParam().bug).run(kChanges).astray != 0) return true;
    }
    return false;
  };
  EXPECT_TRUE(is_found(L4Proto::tcp));
  EXPECT_EQ(is_found(L4Proto::udp), GetParam().udp);
}

INSTANTIATE_TEST_SUITE_P(
    EveryBug, TrackingWalkFinds,
    testing::Values(Planted{"PreviousRewritten", Bug::previous_rewritten, true},
                    Planted{"PreviousLost", Bug::previous_lost, true},
                    Planted{"PromotionPurged", Bug::promotion_purged, false},
                    Planted{"SynNotSticky", Bug::syn_not_sticky, false},
                    Planted{"SynUntracked", Bug::syn_untracked, false},
                    Planted{"SynSticksToIdleFlows", Bug::syn_sticks_to_idle_flows, false},
                    Planted{"UnknownUntracked", Bug::unknown_untracked, true},
                    Planted{"SettledBlindly", Bug::settled_blindly, true},
                    Planted{"SettledEarly", Bug::settled_early, true},
                    Planted{"DeadEntriesLeft", Bug::dead_entries_left, true},
                    Planted{"RemovedNotPurged", Bug::removed_not_purged, true},
                    Planted{"PurgedBeforeSwap", Bug::purged_before_swap, false}),
    [](const auto& planted) { return std::string(planted.param.name); });

}  // namespace
}  // namespace sluice::test
