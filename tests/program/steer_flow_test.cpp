// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Selection of a backend for TCP: the ring's slot and, only while the slot moves, the flow tables.
#include "flow_fixture.h"

namespace sluice::stage {
namespace {

using packets::client;
using packets::gateway;
using packets::service_two;

class SteerPicks : public FlowTest {};

TEST_P(SteerPicks, ASettledSlotTracksNothing) {
  stage().settle(tcp_.service, tcp_.one);
  stage().settle(udp_.service, udp_.one);
  for (const uint8_t flags :
       {packets::tcp_syn, packets::tcp_ack, packets::tcp_fin, packets::tcp_rst}) {
    EXPECT_EQ(reached(tcp(flags)), "backend_one");
  }
  EXPECT_EQ(reached(udp()), "backend_one");
  EXPECT_EQ(tracked_flows(), 0u);
}

TEST_P(SteerPicks, ASettledSlotOfAMovingRingTracksNothing) {
  const size_t moves = slot_of(flow_hash(stage().seed(), syn(1)), kSlots);
  Ring ring = all({.backend = tcp_.one.number, .previous = 0, .moving = false});
  ring[moves] = {.backend = tcp_.two.number, .previous = tcp_.one.number, .moving = true};
  stage().set_ring(tcp_.service, ring);
  size_t settled = 0;
  for (uint16_t port = 2; port < 300; port++) {
    if (slot_of(flow_hash(stage().seed(), syn(port)), kSlots) == moves) continue;
    settled++;
    ASSERT_EQ(reached(syn(port)), "backend_one");
    ASSERT_EQ(reached(ack(port)), "backend_one");
  }
  EXPECT_GT(settled, 250u);
  EXPECT_EQ(tracked_flows(), 0u);
  EXPECT_EQ(reached(syn(1)), "backend_two");
  EXPECT_EQ(tracked_flows(), 1u);
}

TEST_P(SteerPicks, InAMovingSlotASynGoesToTheNewBackendAndIsHalfOpen) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  EXPECT_EQ(reached(syn()), "backend_two");
  EXPECT_EQ(half_open(syn()), tcp_.two.number);
  EXPECT_EQ(tracked_flows(), 1u);
}

TEST_P(SteerPicks, TheSecondPacketOfAConnectionPromotesIt) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  EXPECT_EQ(reached(syn()), "backend_two");
  EXPECT_EQ(reached(ack()), "backend_two");
  EXPECT_EQ(established(syn()), tcp_.two.number);
  EXPECT_EQ(half_open(syn()), 0u);
  EXPECT_EQ(reached(ack()), "backend_two");
  EXPECT_EQ(tracked_flows(), 1u);
}

TEST_P(SteerPicks, AConnectionThatBeganBeforeTheMoveStaysWithThePreviousBackend) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  EXPECT_EQ(reached(ack()), "backend_one");
  EXPECT_EQ(established(ack()), tcp_.one.number);
  // Also after the slot's next change, which names another previous backend.
  stage().set_ring(tcp_.service, moving(tcp_.two.number, tcp_.far.number));
  EXPECT_EQ(reached(ack()), "backend_one");
  EXPECT_EQ(reached(tcp(packets::tcp_fin | packets::tcp_ack)), "backend_one");
  EXPECT_EQ(tracked_flows(), 1u);
}

TEST_P(SteerPicks, OnlyASynAloneBeginsAConnection) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  EXPECT_EQ(reached(tcp(packets::tcp_syn | packets::tcp_ack, 1)), "backend_one");
  EXPECT_EQ(reached(tcp(packets::tcp_syn | packets::tcp_rst, 2)), "backend_one");
  EXPECT_EQ(reached(tcp(packets::tcp_rst, 3)), "backend_one");
  EXPECT_EQ(reached(tcp(0, 4)), "backend_one");
  EXPECT_EQ(reached(tcp(packets::tcp_syn | packets::tcp_ece | packets::tcp_cwr, 5)), "backend_two");
}

TEST_P(SteerPicks, ARepeatedSynKeepsItsBackendWhenTheRingChanges) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  EXPECT_EQ(reached(syn()), "backend_two");
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.far.number));
  EXPECT_EQ(reached(syn()), "backend_two");
  EXPECT_EQ(reached(ack()), "backend_two");
  EXPECT_EQ(reached(syn()), "backend_two") << "a late copy of the SYN";
  EXPECT_EQ(tracked_flows(), 1u);
}

TEST_P(SteerPicks, ARepeatedSynToADrainingOrDownBackendBeginsElsewhere) {
  for (const BackendState state : {BackendState::draining, BackendState::down}) {
    const auto port = static_cast<uint16_t>(50000 + static_cast<int>(state));
    stage().set_state(tcp_.service, tcp_.two, BackendState::up);
    stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
    EXPECT_EQ(reached(syn(port)), "backend_two");
    EXPECT_EQ(reached(syn(port + 10)), "backend_two");
    EXPECT_EQ(reached(ack(port + 10)), "backend_two");
    stage().set_state(tcp_.service, tcp_.two, state);
    stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.far.number));
    EXPECT_EQ(reached(syn(port)), "backend_far");
    EXPECT_EQ(reached(ack(port)), "backend_far");
    EXPECT_EQ(reached(syn(port + 10)), "backend_far");
    EXPECT_EQ(reached(ack(port + 10)), "backend_far");
  }
}

TEST_P(SteerPicks, ADrainingBackendKeepsItsTrackedConnections) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  EXPECT_EQ(reached(syn()), "backend_two");
  stage().set_state(tcp_.service, tcp_.two, BackendState::draining);
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.far.number));
  EXPECT_EQ(reached(ack()), "backend_two");
  EXPECT_EQ(reached(ack()), "backend_two");
}

TEST_P(SteerPicks, AConnectionToABackendThatIsDownIsDroppedUntilANewSyn) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  EXPECT_EQ(reached(ack()), "backend_one");
  stage().set_state(tcp_.service, tcp_.one, BackendState::down);
  stage().set_ring(tcp_.service, moving(tcp_.two.number, tcp_.two.number));
  EXPECT_EQ(reached(ack()), "dropped");
  EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"backend_down", 1}}));
  EXPECT_EQ(reached(syn()), "backend_two");
  EXPECT_EQ(reached(ack()), "backend_two");
}

TEST_P(SteerPicks, AMovingSlotWithoutABackendDropsNewConnectionsUntracked) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, 0));
  EXPECT_EQ(reached(ack(1)), "backend_one");
  EXPECT_EQ(reached(syn(2)), "dropped");
  EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"no_backend", 1}}));
  EXPECT_EQ(tracked_flows(), 1u);
}

TEST_P(SteerPicks, AMovingSlotWithoutAPreviousBackendDropsUntrackedConnections) {
  stage().set_ring(tcp_.service, moving(0, tcp_.two.number));
  EXPECT_EQ(reached(ack(1)), "dropped");
  EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"no_backend", 1}}));
  EXPECT_EQ(tracked_flows(), 0u);
  EXPECT_EQ(reached(syn(2)), "backend_two");
  EXPECT_EQ(reached(ack(2)), "backend_two");
}

TEST_P(SteerPicks, TheTimeOfAFlowsLastPacketIsTracked) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  const uint32_t long_ago = stage().now_s() - 100;
  ASSERT_TRUE(stage().flows().put(flow_of(ack()), {tcp_.far.number, long_ago}));
  EXPECT_EQ(reached(ack()), "backend_far");
  EXPECT_LE(stage().now_s() - stage().flows().find(flow_of(ack())).value()->seen_s, 1u);
  EXPECT_EQ(reached(syn(2)), "backend_two");
  EXPECT_LE(stage().now_s() - stage().half_open().find(flow_of(syn(2))).value()->seen_s, 1u);
}

TEST_P(SteerPicks, FlowsOfOneClientToTwoServicesAreTrackedSeparately) {
  const Service other = stage().add_service(family(), service_two, 80, L4Proto::tcp, Mode::ipip);
  const Backend far = stage().add_backend(other, family(), backend_far);
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  stage().set_ring(other, moving(0, far.number));
  Packet to_other =
      Packet()
          .ethernet(gateway, director_front)
          .ip(family(), client, service_two)
          .tcp({.source_port = 40000, .destination_port = 80, .flags = packets::tcp_syn});
  EXPECT_EQ(reached(syn()), "backend_two");
  EXPECT_EQ(reached(to_other), "backend_far");
  EXPECT_EQ(tracked_flows(), 2u);
}

TEST_P(SteerPicks, ASynOfAnIdleConnectionBeginsElsewhere) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  const uint32_t now_s = stage().now_s();
  const auto long_ago = [&](uint32_t timeout_s) { return now_s - timeout_s - 5; };
  ASSERT_TRUE(stage().flows().put(flow_of(syn(1)),
                                  {tcp_.far.number, long_ago(SLUICE_IDLE_TIMEOUT_S_DEFAULT)}));
  ASSERT_TRUE(
      stage().half_open().put(flow_of(syn(2)), {tcp_.far.number, long_ago(SLUICE_HALF_OPEN_S)}));
  ASSERT_TRUE(
      stage().flows().put(flow_of(syn(3)), {tcp_.far.number, long_ago(SLUICE_HALF_OPEN_S)}));
  EXPECT_EQ(reached(syn(1)), "backend_two");
  EXPECT_EQ(established(syn(1)), 0u);
  EXPECT_EQ(reached(ack(1)), "backend_two");
  EXPECT_EQ(reached(syn(2)), "backend_two");
  EXPECT_EQ(reached(syn(3)), "backend_far");
}

TEST_P(SteerPicks, FlowsToABackendThatIsDownAreNeitherTrackedNorPromoted) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  EXPECT_EQ(reached(syn(1)), "backend_two");
  stage().set_state(tcp_.service, tcp_.one, BackendState::down);
  stage().set_state(tcp_.service, tcp_.two, BackendState::down);
  EXPECT_EQ(reached(ack(1)), "dropped");
  EXPECT_EQ(half_open(ack(1)), tcp_.two.number);
  EXPECT_EQ(established(ack(1)), 0u);
  EXPECT_EQ(reached(syn(2)), "dropped");
  EXPECT_EQ(reached(ack(3)), "dropped");
  EXPECT_EQ(tracked_flows(), 1u);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerPicks, testing::ValuesIn(packets::both_families),
                         family_name);

}  // namespace
}  // namespace sluice::stage
