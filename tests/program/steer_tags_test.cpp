// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets with one or two VLAN tags are steered like untagged ones and leave untagged, because the
// tags name a network on the side that the packet came from.
#include "modes.h"

namespace sluice::stage {
namespace {

using packets::client;
using packets::gateway;
using packets::Ipv4;
using packets::Ipv6Extension;
using packets::same_packet;
using packets::service_one;

const std::vector<std::vector<uint16_t>> kTags{
    {0x8100}, {0x88a8}, {0x88a8, 0x8100}, {0x8100, 0x8100}};

class SteerTags : public ModeTest {};
class SteerTagsReplies : public ModeTest {};

TEST_P(SteerTags, ATaggedPacketReachesItsBackendUntagged) {
  for (const auto& tpids : kTags) {
    for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
      expect_reaches_backend(
          with_l4(from_client(tpids), l4_proto, kClientPort, kServicePort, "question"));
    }
  }
  EXPECT_EQ(stage().traffic(tcp_.backend).bytes,
            kTags.size() * request(L4Proto::tcp).datagram().size());
}

TEST_P(SteerTags, OptionsAndExtensionHeadersBehindTagsAreFollowed) {
  for (const auto& tpids : kTags) {
    Packet sent = Packet().ethernet(gateway, director_front);
    for (const uint16_t tpid : tpids) sent.vlan(7, tpid);
    if (family() == Family::v4) {
      sent.add(Ipv4{
          .source = client.v4, .destination = service_one.v4, .options = packets::Bytes(12, 1)});
    } else {
      sent.ip(Family::v6, client, service_one).add(Ipv6Extension{.body = packets::Bytes(14)});
    }
    expect_reaches_backend(with_l4(sent, L4Proto::tcp, kClientPort, kServicePort, "question"));
  }
}

TEST_P(SteerTags, ATaggedPacketLeavesUntaggedByTheDeviceItCameBy) {
  for (const auto& tpids : kTags) {
    const Packet sent = with_l4(from_client(tpids), L4Proto::tcp, kClientPort, kServicePort, "");
    const Outcome outcome = stage().steer(sent.frame(), Device::back);
    EXPECT_EQ(outcome.action, XDP_TX);
    EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent).frame()));
  }
}

TEST_P(SteerTags, PriorityAndVlanNumberAreIgnored) {
  for (const uint16_t tci : {uint16_t{0}, uint16_t{0x0fff}, uint16_t{0xe000}, uint16_t{0xffff}}) {
    const Packet sent = with_l4(
        Packet().ethernet(gateway, director_front).vlan(tci).ip(family(), client, service_one),
        L4Proto::udp, kClientPort, kServicePort, "question");
    expect_reaches_backend(sent);
  }
}

TEST_P(SteerTagsReplies, ATaggedReplyReachesTheClientUntagged) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    stage().steer(request(l4_proto).frame());
    for (const auto& tpids : kTags) {
      const Packet answer = reply(l4_proto, "answer", tpids);
      const Outcome outcome = stage().steer(answer.frame(), Device::back);
      EXPECT_EQ(outcome.action, XDP_REDIRECT);
      EXPECT_TRUE(same_packet(outcome.frame, at_client(answer).frame()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerTags, testing::ValuesIn(every_combination()),
                         combination_name);
INSTANTIATE_TEST_SUITE_P(EveryModeWithReplies, SteerTagsReplies,
                         testing::ValuesIn(combinations_with_replies()), combination_name);

}  // namespace
}  // namespace sluice::stage
