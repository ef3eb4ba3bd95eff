// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which backend gets a packet: the ring's slots and, only while a slot moves, the tables of flows.
#include <linux/bpf.h>

#include <cstring>

#include "expectations.h"
#include "kernel/state/purge.h"
#include "model/flow_slot.h"
#include "stage.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::backend_two;
using packets::client;
using packets::gateway;
using packets::Packet;
using packets::service_one;
using packets::service_two;

constexpr uint8_t kRingBits = 8;
constexpr size_t kSlots = size_t{1} << kRingBits;

class SteerPicks : public StageTestOfFamily {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
      const Service service = stage().add_service(family(), service_one, 80, l4_proto, Mode::ipip);
      Cast& cast = l4_proto == L4Proto::tcp ? tcp_ : udp_;
      cast = {service, stage().add_backend(service, family(), backend_one),
              stage().add_backend(service, family(), backend_two),
              stage().add_backend(service, family(), backend_far)};
    }
  }

  // A service and its backends: the one that its slots had, the one they have now, a later one.
  struct Cast {
    Service service;
    Backend one;
    Backend two;
    Backend far;
  };

  [[nodiscard]] static Ring all(RingSlot slot, size_t slots = kSlots) { return Ring(slots, slot); }
  // From `previous` to `backend`, which may both be nobody.
  [[nodiscard]] static Ring moving(uint32_t previous, uint32_t backend) {
    return all({.backend = backend, .previous = previous, .moving = true});
  }

  [[nodiscard]] Packet tcp(uint8_t flags, uint16_t port = 40000) const {
    return Packet()
        .ethernet(gateway, director_front)
        .ip(family(), client, service_one)
        .tcp({.source_port = port, .destination_port = 80, .flags = flags});
  }
  [[nodiscard]] Packet syn(uint16_t port = 40000) const { return tcp(packets::tcp_syn, port); }
  [[nodiscard]] Packet ack(uint16_t port = 40000) const { return tcp(packets::tcp_ack, port); }
  [[nodiscard]] Packet udp(uint16_t port = 40000) const {
    return Packet()
        .ethernet(gateway, director_front)
        .ip(family(), client, service_one)
        .udp({.source_port = port, .destination_port = 80})
        .payload("question");
  }

  // Whom the packet went to; "dropped" or "passed" where nobody.
  std::string reached(const Packet& packet) {
    const Outcome outcome = stage().steer(packet.frame());
    if (outcome.action == XDP_DROP) return "dropped";
    if (outcome.action == XDP_PASS) return "passed";
    Packet out = Packet::parse(outcome.frame);
    for (const Host* host : {&backend_one, &backend_two, &backend_far}) {
      const auto* v4 = out.find<packets::Ipv4>();
      const auto* v6 = out.find<packets::Ipv6>();
      const auto& destination = v4 != nullptr ? v4->destination : v6->destination;
      if (memcmp(&destination, &host->at(family()), sizeof(destination)) == 0) return host->name;
    }
    return "astray";
  }

  // The backend that a table has for a packet's flow; 0: none.
  static uint32_t tracked(Tracked& table, const Packet& packet) {
    const auto found = table.find(flow_of(packet));
    return found && *found ? (*found)->backend : 0;
  }
  uint32_t half_open(const Packet& packet) { return tracked(stage().half_open(), packet); }
  uint32_t established(const Packet& packet) { return tracked(stage().flows(), packet); }
  size_t tracked_flows() {
    return stage().flows().entries()->size() + stage().half_open().entries()->size();
  }

  Cast tcp_;
  Cast udp_;
};

TEST_P(SteerPicks, ASettledSlotRemembersNothing) {
  stage().settle(tcp_.service, tcp_.one);
  stage().settle(udp_.service, udp_.one);
  for (const uint8_t flags :
       {packets::tcp_syn, packets::tcp_ack, packets::tcp_fin, packets::tcp_rst}) {
    EXPECT_EQ(reached(tcp(flags)), "backend_one");
  }
  EXPECT_EQ(reached(udp()), "backend_one");
  EXPECT_EQ(tracked_flows(), 0u);
}

TEST_P(SteerPicks, ASettledSlotOfAMovingRingRemembersNothing) {
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
  // Also when the slot's next change forgets who was there before.
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

TEST_P(SteerPicks, ASynSentAgainKeepsItsFirstAnswerThoughTheRingChanged) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  EXPECT_EQ(reached(syn()), "backend_two");
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.far.number));
  EXPECT_EQ(reached(syn()), "backend_two");
  EXPECT_EQ(reached(ack()), "backend_two");
  EXPECT_EQ(reached(syn()), "backend_two") << "a late copy of the SYN";
  EXPECT_EQ(tracked_flows(), 1u);
}

TEST_P(SteerPicks, ASynWhoseTrackedBackendTakesNothingNewBeginsElsewhere) {
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

TEST_P(SteerPicks, ADrainingBackendKeepsTheConnectionsThatAreTracked) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  EXPECT_EQ(reached(syn()), "backend_two");
  stage().set_state(tcp_.service, tcp_.two, BackendState::draining);
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.far.number));
  EXPECT_EQ(reached(ack()), "backend_two");
  EXPECT_EQ(reached(ack()), "backend_two");
}

TEST_P(SteerPicks, AConnectionWhoseTrackedBackendIsDownIsDroppedUntilItBeginsAnew) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  EXPECT_EQ(reached(ack()), "backend_one");
  stage().set_state(tcp_.service, tcp_.one, BackendState::down);
  stage().set_ring(tcp_.service, moving(tcp_.two.number, tcp_.two.number));
  EXPECT_EQ(reached(ack()), "dropped");
  EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"backend_down", 1}}));
  EXPECT_EQ(reached(syn()), "backend_two");
  EXPECT_EQ(reached(ack()), "backend_two");
}

TEST_P(SteerPicks, AFlowWhoseBackendLeftIsAsIfItHadNeverBeenTracked) {
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

// Between the look of user space and what it does, the client used the 5-tuple again.
TEST_P(SteerPicks, WhatBeganAnewWhileABackendIsForgottenIsKept) {
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

TEST_P(SteerPicks, MoreFlowsThanAreForgottenAtOnceAreAllForgotten) {
  constexpr uint16_t kFlows = 4 * SLUICE_PURGE_BATCH + 2;  // every second one's goes
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

TEST_P(SteerPicks, AMovingSlotWithoutABackendDropsNewConnectionsAndForgetsThem) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, 0));
  EXPECT_EQ(reached(ack(1)), "backend_one");
  EXPECT_EQ(reached(syn(2)), "dropped");
  EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"no_backend", 1}}));
  EXPECT_EQ(tracked_flows(), 1u);
}

TEST_P(SteerPicks, AMovingSlotWithoutAPreviousBackendDropsWhatItDoesNotKnow) {
  stage().set_ring(tcp_.service, moving(0, tcp_.two.number));
  EXPECT_EQ(reached(ack(1)), "dropped");
  EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"no_backend", 1}}));
  EXPECT_EQ(tracked_flows(), 0u);
  EXPECT_EQ(reached(syn(2)), "backend_two");
  EXPECT_EQ(reached(ack(2)), "backend_two");
}

TEST_P(SteerPicks, AFlowsLastPacketIsDatedSoThatASweepCanTell) {
  stage().set_ring(tcp_.service, moving(tcp_.one.number, tcp_.two.number));
  const uint32_t long_ago = stage().now_s() - 100;
  ASSERT_TRUE(stage().flows().put(flow_of(ack()), {tcp_.far.number, long_ago}));
  EXPECT_EQ(reached(ack()), "backend_far");
  EXPECT_LE(stage().now_s() - stage().flows().find(flow_of(ack())).value()->seen_s, 1u);
  EXPECT_EQ(reached(syn(2)), "backend_two");
  EXPECT_LE(stage().now_s() - stage().half_open().find(flow_of(syn(2))).value()->seen_s, 1u);
}

TEST_P(SteerPicks, FlowsOfOneClientToTwoServicesAreTwo) {
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

TEST_P(SteerPicks, UdpThatIsUnknownGoesToThePreviousBackendWithinTheGraceTime) {
  stage().set_ring_of_age(udp_.service, moving(udp_.one.number, udp_.two.number),
                          SLUICE_UDP_TIMEOUT_S_DEFAULT - 5);
  EXPECT_EQ(reached(udp()), "backend_one");
  EXPECT_EQ(established(udp()), udp_.one.number);
  stage().set_ring_of_age(udp_.service, moving(udp_.one.number, udp_.two.number),
                          SLUICE_UDP_TIMEOUT_S_DEFAULT + 5);
  EXPECT_EQ(reached(udp()), "backend_one") << "known by now";
  EXPECT_EQ(tracked_flows(), 1u);
}

TEST_P(SteerPicks, UdpThatIsUnknownIsNewAfterTheGraceTime) {
  stage().set_ring_of_age(udp_.service, moving(udp_.one.number, udp_.two.number),
                          SLUICE_UDP_TIMEOUT_S_DEFAULT + 2);
  EXPECT_EQ(reached(udp()), "backend_two");
  EXPECT_EQ(established(udp()), udp_.two.number);
  stage().set_ring(udp_.service, moving(udp_.one.number, udp_.far.number));
  EXPECT_EQ(reached(udp()), "backend_two");
}

TEST_P(SteerPicks, UdpWhoseTrackedBackendIsDownBeginsAnew) {
  stage().set_ring(udp_.service, moving(udp_.one.number, udp_.two.number));
  EXPECT_EQ(reached(udp()), "backend_one");
  stage().set_state(udp_.service, udp_.one, BackendState::down);
  stage().set_ring(udp_.service, moving(udp_.two.number, udp_.two.number));
  EXPECT_EQ(reached(udp()), "backend_two");
  EXPECT_EQ(established(udp()), udp_.two.number);
  EXPECT_EQ(reached(udp()), "backend_two");
}

TEST_P(SteerPicks, UdpThatWasSilentForTheTimeOutBeginsAnew) {
  stage().set_ring(udp_.service, moving(udp_.one.number, udp_.two.number));
  const uint32_t now_s = stage().now_s();
  ASSERT_TRUE(stage().flows().put(flow_of(udp(1)), {udp_.far.number, now_s - 55}));
  ASSERT_TRUE(stage().flows().put(flow_of(udp(2)), {udp_.far.number, now_s - 65}));
  EXPECT_EQ(reached(udp(1)), "backend_far");
  EXPECT_EQ(reached(udp(2)), "backend_two");
  EXPECT_EQ(established(udp(2)), udp_.two.number);
}

TEST_P(SteerPicks, TheTimeOutOfUdpIsTheServicesOwn) {
  Service monitored = udp_.service;
  monitored.udp_timeout_s = 1000;
  stage().set_ring_of_age(monitored, moving(udp_.one.number, udp_.two.number), 900);
  ASSERT_TRUE(stage().flows().put(flow_of(udp(1)), {udp_.far.number, stage().now_s() - 900}));
  EXPECT_EQ(reached(udp(1)), "backend_far");
  EXPECT_EQ(reached(udp(2)), "backend_one");
}

TEST_P(SteerPicks, ASynOfAConnectionThatASweepTakesForDeadBeginsElsewhere) {
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

TEST_P(SteerPicks, WhatIsDownIsNeitherTrackedNorPromoted) {
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

// Rings whose slots differ, so that a flow in the wrong slot is seen.
class Pattern {
 public:
  explicit Pattern(std::vector<uint32_t> backends) : backends_(std::move(backends)) {}
  [[nodiscard]] uint32_t at(size_t slot) const {
    return backends_[(slot * 2654435761 >> 7) % backends_.size()];
  }
  [[nodiscard]] Ring settled(size_t slots) const {
    Ring ring(slots);
    for (size_t i = 0; i < slots; i++) ring[i] = {at(i), 0, false};
    return ring;
  }
  // New connections go where they went one slot further on.
  [[nodiscard]] Ring moving(size_t slots) const {
    Ring ring(slots);
    for (size_t i = 0; i < slots; i++) ring[i] = {at(i + 1), at(i), true};
    return ring;
  }

 private:
  std::vector<uint32_t> backends_;
};

TEST_P(SteerPicks, EverySizeOfRingPutsAFlowIntoTheSlotOfItsTopBits) {
  const Pattern pattern({tcp_.one.number, tcp_.two.number, tcp_.far.number});
  const std::map<uint32_t, std::string> names{{tcp_.one.number, "backend_one"},
                                              {tcp_.two.number, "backend_two"},
                                              {tcp_.far.number, "backend_far"}};
  for (uint8_t bits = SLUICE_RING_BITS_MIN; bits <= SLUICE_RING_BITS_MAX; bits++) {
    const size_t slots = size_t{1} << bits;
    stage().set_ring(tcp_.service, pattern.settled(slots));
    for (uint16_t port = 1; port <= 200; port++) {
      const size_t slot = flow_hash(stage().seed(), ack(port)) >> (32 - bits);
      ASSERT_EQ(reached(ack(port)), names.at(pattern.at(slot))) << slot << " of " << slots;
    }
    stage().set_ring(tcp_.service, pattern.moving(slots));
    for (uint16_t port = 1; port <= 200; port++) {
      const auto client_port = static_cast<uint16_t>(1000 * bits + port);
      const size_t slot = flow_hash(stage().seed(), ack(client_port)) >> (32 - bits);
      ASSERT_EQ(reached(ack(client_port)), names.at(pattern.at(slot)))
          << slot << " of " << slots << ", previous";
      const auto other_port = static_cast<uint16_t>(client_port + 500);
      const size_t other = flow_hash(stage().seed(), syn(other_port)) >> (32 - bits);
      ASSERT_EQ(reached(syn(other_port)), names.at(pattern.at(other + 1)))
          << other << " of " << slots << ", new";
    }
  }
}

// By this a sweep finds the slot of a flow that is tracked.
TEST_P(SteerPicks, UserSpaceFindsTheSlotOfATrackedFlow) {
  const Pattern pattern({tcp_.one.number, tcp_.two.number, tcp_.far.number});
  stage().set_ring(tcp_.service, pattern.moving(4096));
  for (uint16_t port = 1; port <= 200; port++) (void)reached(ack(port));
  const auto flows = stage().flows().entries();
  ASSERT_TRUE(flows);
  ASSERT_EQ(flows->size(), 200u);
  for (const auto& [flow, tracked] : *flows) {
    const uint32_t hash = sluice::flow_hash(stage().seed(), flow, flow_ports(flow));
    EXPECT_EQ(tracked.backend, pattern.at(sluice::slot_of(hash, 4096)));
  }
}

TEST_P(SteerPicks, ARingThatDoublesMovesNoFlow) {
  const Pattern pattern({tcp_.one.number, tcp_.two.number, tcp_.far.number});
  Ring ring = pattern.settled(kSlots);
  stage().set_ring(tcp_.service, ring);
  std::map<uint16_t, std::string> before;
  for (uint16_t port = 1; port <= 500; port++) before[port] = reached(ack(port));
  for (const uint8_t bits : {uint8_t{9}, uint8_t{12}, uint8_t{SLUICE_RING_BITS_MAX}}) {
    ring = ring_refine(ring, bits);
    stage().set_ring(tcp_.service, ring);
    for (const auto& [port, backend] : before) ASSERT_EQ(reached(ack(port)), backend) << bits;
  }
  EXPECT_EQ(tracked_flows(), 0u);
}

TEST_P(SteerPicks, FlowsAreSharedByWeight) {
  const std::map<std::string, uint32_t> weights{
      {"backend_one", 100}, {"backend_two", 200}, {"backend_far", 300}};
  stage().set_ring(
      tcp_.service,
      ring_transition(Ring(1024),
                      maglev_build({{tcp_.one.number, backend_identity(tcp_.one.at), 100},
                                    {tcp_.two.number, backend_identity(tcp_.two.at), 200},
                                    {tcp_.far.number, backend_identity(tcp_.far.at), 300}},
                                   10),
                      {}));
  constexpr int flows = 12000;
  std::map<std::string, int> shares;
  for (uint16_t i = 0; i < flows; i++) {
    shares[reached(syn(static_cast<uint16_t>(1024 + 5 * i)))]++;
  }
  for (const auto& [name, weight] : weights) {
    EXPECT_NEAR(shares[name], flows * weight / 600, flows * 0.02) << name;
  }
  EXPECT_EQ(stage().traffic(tcp_.one).connections + stage().traffic(tcp_.two).connections +
                stage().traffic(tcp_.far).connections,
            static_cast<uint64_t>(flows));
  EXPECT_EQ(tracked_flows(), 0u);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerPicks, testing::ValuesIn(packets::both_families),
                         family_name);

}  // namespace
}  // namespace sluice::stage
