// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Fragments: the first has ports and is steered; later fragments of the same packet follow it.
#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_two;
using packets::client_two;
using packets::Ipv4;
using packets::Ipv6;
using packets::same_packet;

constexpr uint32_t kId = 0x1234;
constexpr size_t kFirstBytes = 64;

class SteerFragments : public ModeTest {
 protected:
  [[nodiscard]] Packet whole(L4Proto l4_proto) const {
    return request(l4_proto, std::string(200, 'x'));
  }
  // Both fragments as the backend receives them. The later one has no ports, so its hash is 0.
  [[nodiscard]] std::array<Packet, 2> at_backend_both(const Packet& packet) {
    if (!GetParam().outer) return fragments_of(at_backend(packet), kFirstBytes, kId);
    auto both = fragments_of(packet, kFirstBytes, kId);
    const uint32_t hash = flow_hash(stage().seed(), packet);
    for (Packet& fragment : both) {
      fragment = encapsulated(fragment, *GetParam().outer, packets::backend_one,
                              &fragment == both.data() ? hash : 0, packets::director,
                              packets::backend_one);
    }
    return both;
  }
  size_t tracked() { return stage().fragments().entries()->size(); }
  void silence(uint32_t seconds) {
    const auto entries = stage().fragments().entries();
    ASSERT_TRUE(entries && entries->size() == 1);
    auto [key, fragment] = entries->front();
    fragment.seen_s = stage().now_s() - seconds;
    ASSERT_TRUE(stage().fragments().put(key, fragment));
  }
};

class SteerFragmentsIpv6 : public SteerFragments {};
class SteerFragmentsReplies : public SteerFragments {};

TEST_P(SteerFragments, LaterFragmentsFollowTheFirst) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    const Packet packet = whole(l4_proto);
    const auto sent = fragments_of(packet, kFirstBytes, kId);
    for (size_t i = 0; i < sent.size(); i++) {
      const Outcome outcome = stage().steer(sent.at(i).frame());
      EXPECT_EQ(outcome.action, XDP_REDIRECT);
      EXPECT_TRUE(same_packet(outcome.frame, at_backend_both(packet).at(i).frame())) << i;
    }
    // A later fragment may be sent again.
    EXPECT_TRUE(
        same_packet(stage().steer(sent[1].frame()).frame, at_backend_both(packet)[1].frame()));
  }
  EXPECT_EQ(stage().counted(), 6u);
  EXPECT_EQ(stage().traffic(tcp_.backend).packets, 3u);
  EXPECT_EQ(stage().traffic(tcp_.backend).connections, 1u);
}

TEST_P(SteerFragments, ALaterFragmentBeforeTheFirstPasses) {
  const auto sent = fragments_of(whole(L4Proto::udp), kFirstBytes, kId);
  expect_passes(sent[1].frame(), "fragment");
  stage().steer(sent[0].frame());
  EXPECT_EQ(stage().steer(sent[1].frame()).action, XDP_REDIRECT);
}

TEST_P(SteerFragments, FragmentsOfAnotherPacketDoNotFollow) {
  stage().steer(fragments_of(whole(L4Proto::udp), kFirstBytes, kId)[0].frame());
  expect_passes(fragments_of(whole(L4Proto::udp), kFirstBytes, kId + 1)[1].frame(), "fragment");
  expect_passes(fragments_of(whole(L4Proto::tcp), kFirstBytes, kId)[1].frame(), "fragment");
  Packet of_another = fragments_of(whole(L4Proto::udp), kFirstBytes, kId)[1];
  if (family() == Family::v4) of_another.find<Ipv4>()->source = client_two.v4;
  if (family() == Family::v6) of_another.find<Ipv6>()->source = client_two.v6;
  expect_passes(of_another.frame(), "fragment");
}

TEST_P(SteerFragments, AFirstFragmentIsTrackedForAMinute) {
  const auto sent = fragments_of(whole(L4Proto::udp), kFirstBytes, kId);
  stage().steer(sent[0].frame());
  silence(SLUICE_FRAGMENT_S - 5);
  EXPECT_EQ(stage().steer(sent[1].frame()).action, XDP_REDIRECT);
  silence(SLUICE_FRAGMENT_S + 5);
  expect_passes(sent[1].frame(), "fragment");
}

TEST_P(SteerFragments, LaterFragmentsKeepTheirBackendWhenTheRingChanges) {
  const Packet packet = whole(L4Proto::udp);
  const auto sent = fragments_of(packet, kFirstBytes, kId);
  stage().steer(sent[0].frame());
  stage().settle(udp_.service, stage().add_backend(udp_.service, outer(), backend_two));
  EXPECT_TRUE(
      same_packet(stage().steer(sent[1].frame()).frame, at_backend_both(packet)[1].frame()));
}

TEST_P(SteerFragments, TagsAreRemovedFromAllFragments) {
  const Packet packet = whole(L4Proto::udp);
  for (const bool is_first : {true, false}) {
    const Packet bare = fragments_of(packet, kFirstBytes, kId).at(is_first ? 0 : 1);
    Packet tagged = Packet().add(bare.layers().front()).vlan(5, 0x88a8).vlan(7);
    for (size_t i = 1; i < bare.layers().size(); i++) tagged.add(bare.layers()[i]);
    const Outcome outcome = stage().steer(tagged.frame());
    EXPECT_TRUE(same_packet(outcome.frame, at_backend_both(packet).at(is_first ? 0 : 1).frame()));
  }
}

TEST_P(SteerFragments, ALaterFragmentWithATtlOfOneIsDropped) {
  const auto sent = fragments_of(whole(L4Proto::udp), kFirstBytes, kId);
  stage().steer(sent[0].frame());
  expect_dropped(with_ttl(sent[1], 1).frame(), "ttl_expired", udp_.service);
}

TEST_P(SteerFragments, ALaterFragmentToABackendThatIsDownIsDropped) {
  const auto sent = fragments_of(whole(L4Proto::udp), kFirstBytes, kId);
  stage().steer(sent[0].frame());
  stage().set_state(udp_.service, udp_.backend, BackendState::down);
  expect_dropped(sent[1].frame(), "backend_down", udp_.service);
}

TEST_P(SteerFragments, ADroppedFirstFragmentIsNotTracked) {
  stage().set_ring(udp_.service, Ring(256));
  const auto sent = fragments_of(whole(L4Proto::udp), kFirstBytes, kId);
  expect_dropped(sent[0].frame(), "no_backend", udp_.service);
  EXPECT_EQ(tracked(), 0u);
  expect_passes(sent[1].frame(), "fragment");
}

TEST_P(SteerFragments, FragmentsForOtherPortsPass) {
  const Packet packet =
      with_l4(from_client(), L4Proto::udp, kClientPort, kServicePort + 1, std::string(200, 'x'));
  const auto sent = fragments_of(packet, kFirstBytes, kId);
  expect_passes(sent[0].frame(), "not_ours");
  expect_passes(sent[1].frame(), "fragment");
  EXPECT_EQ(tracked(), 0u);
}

TEST_P(SteerFragments, AFirstFragmentTooShortForThePortsPasses) {
  const auto sent = fragments_of(whole(L4Proto::tcp), 8, kId);
  expect_passes(sent[0].frame(), "malformed");
  EXPECT_EQ(tracked(), 0u);
}

// RFC 6946: a whole packet with a fragment header.
TEST_P(SteerFragmentsIpv6, AnAtomicFragmentIsAWholePacket) {
  const Packet sent = with_l4(from_client().add(packets::ipv6_fragment_header(0, false, kId)),
                              L4Proto::udp, kClientPort, kServicePort, "question");
  expect_reaches_backend(sent);
  EXPECT_EQ(tracked(), 0u);
}

TEST_P(SteerFragmentsReplies, FragmentedRepliesAreTranslated) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    stage().steer(request(l4_proto).frame());
    const Packet answer = reply(l4_proto, std::string(200, 'y'));
    const auto sent = fragments_of(answer, kFirstBytes, kId);
    const auto expected = fragments_of(at_client(answer), kFirstBytes, kId);
    expect_passes(sent[1].frame(), "fragment", Device::back);
    for (size_t i = 0; i < sent.size(); i++) {
      const Outcome outcome = stage().steer(sent.at(i).frame(), Device::back);
      EXPECT_EQ(outcome.action, XDP_REDIRECT);
      EXPECT_TRUE(same_packet(outcome.frame, expected.at(i).frame())) << i;
    }
    const Service& service = l4_proto == L4Proto::tcp ? tcp_.service : udp_.service;
    EXPECT_EQ(stage().verdicts(service.number), (Verdicts{{"reply_translated", 2}}));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerFragments, testing::ValuesIn(every_combination()),
                         combination_name);
INSTANTIATE_TEST_SUITE_P(EveryMode, SteerFragmentsIpv6,
                         testing::ValuesIn(every_combination_of(Family::v6)), combination_name);
INSTANTIATE_TEST_SUITE_P(EveryModeWithReplies, SteerFragmentsReplies,
                         testing::ValuesIn(combinations_with_replies()), combination_name);

}  // namespace
}  // namespace sluice::stage
