// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Purging the tracked flows of a backend while packets arrive.
#include <map>

#include "flow_fixture.h"
#include "kernel/state/purge.h"

namespace sluice::stage {
namespace {

class SteerPurges : public FlowTest {};

TEST_P(SteerPurges, APurgedFlowIsSteeredAsUntracked) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  for (const uint16_t port : {uint16_t{1}, uint16_t{2}}) {
    ASSERT_TRUE(stage().flows().put(flow_of(ack(port)), {tcp_.far.number, stage().now_s()}));
    ASSERT_TRUE(stage().half_open().put(flow_of(ack(port)), {tcp_.far.number, stage().now_s()}));
  }
  stage().purge(tcp_.far);
  EXPECT_EQ(reached(ack(1)), "backend_one");
  EXPECT_EQ(established(ack(1)), tcp_.one.number);
  EXPECT_EQ(reached(syn(2)), "backend_two");
  EXPECT_EQ(reached(ack(2)), "backend_two");
  EXPECT_EQ(established(ack(2)), tcp_.two.number);
}

// Between reading the entry and deleting it, the client uses the 5-tuple again.
TEST_P(SteerPurges, AFlowThatBeginsAgainDuringAPurgeIsKept) {
  const PurgeTables tables{stage().half_open().fd(), stage().flows().fd(),
                           stage().translations().fd()};
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  const std::vector<sluice_purge_entry> read = {{flow_of(syn()), tcp_.far.number}};
  EXPECT_EQ(reached(syn()), "backend_two");
  ASSERT_TRUE(purge_entries(tables, SLUICE_PURGE_HALF_OPEN, read));
  EXPECT_EQ(half_open(syn()), tcp_.two.number);
  EXPECT_EQ(reached(ack()), "backend_two");
  ASSERT_TRUE(purge_entries(tables, SLUICE_PURGE_FLOW, read));
  EXPECT_EQ(established(syn()), tcp_.two.number);
  EXPECT_EQ(reached(ack()), "backend_two");
}

TEST_P(SteerPurges, APurgeOfSeveralBatchesDeletesAllFlows) {
  constexpr uint16_t kFlows = 4 * SLUICE_PURGE_BATCH + 2;  // every second one is deleted
  for (uint16_t port = 1; port <= kFlows; port++) {
    const uint32_t backend = port % 2 == 0 ? tcp_.one.number : tcp_.far.number;
    ASSERT_TRUE(stage().flows().put(flow_of(ack(port)), {backend, stage().now_s()}));
  }
  stage().purge(tcp_.far);
  std::map<uint32_t, size_t> left;
  for (const auto& [flow, tracked] : *stage().flows().entries()) left[tracked.backend]++;
  EXPECT_EQ(left[tcp_.one.number], kFlows / 2);
  EXPECT_EQ(left[tcp_.far.number], 0u);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerPurges, testing::ValuesIn(packets::both_families),
                         family_name);

}  // namespace
}  // namespace sluice::stage
