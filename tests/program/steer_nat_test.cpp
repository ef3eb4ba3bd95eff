// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mode snat: what leaves for the backend, what comes back to the client, and what is tracked of
// a connection from its first packet to its last.
#include <endian.h>

#include <set>

#include "translation.h"

namespace sluice::stage {
namespace {

using packets::backend_three;
using packets::backend_two;
using packets::client;
using packets::director;
using packets::gateway;
using packets::Ipv4;
using packets::Ipv6Extension;
using packets::Packet;
using packets::same_packet;
using packets::service_one;
using packets::tcp_ack;
using packets::tcp_fin;
using packets::tcp_rst;
using packets::tcp_syn;
using packets::Udp;

class SteerTranslates : public SnatTest {};
class SteerTranslatesTcp : public SnatTest {};
class SteerTranslatesUdp : public SnatTest {};

TEST_P(SteerTranslates, ARequestLeavesFromTheDirectorForTheBackend) {
  const Packet sent = opening();
  const Outcome outcome = stage().steer(sent.frame());
  EXPECT_EQ(outcome.action, XDP_REDIRECT);
  const uint16_t port = source_port(Packet::parse(outcome.frame));
  EXPECT_GE(port, SLUICE_SNAT_PORT_FIRST);
  EXPECT_LE(port, SLUICE_SNAT_PORT_LAST);
  EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent, port).frame()));
}

TEST_P(SteerTranslates, AReplyLeavesFromTheServiceForTheClient) {
  const uint16_t port = port_of(opening());
  const Packet sent = reply(port);
  const Outcome outcome = stage().steer(sent.frame(), Device::back);
  EXPECT_EQ(outcome.action, XDP_REDIRECT);
  EXPECT_TRUE(same_packet(outcome.frame, at_client(sent).frame()));
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"reply_translated", 1}}));
}

TEST_P(SteerTranslates, ADirectorWithOneLegSendsOutWhereItReceived) {
  const Packet sent = between(opening(), client, director);
  const Outcome outcome = stage().steer(sent.frame(), Device::back);
  EXPECT_EQ(outcome.action, XDP_TX);
  const uint16_t port = source_port(Packet::parse(outcome.frame));
  EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent, port).frame()));
  EXPECT_EQ(stage().steer(reply(port).frame(), Device::front).action, XDP_TX);
}

TEST_P(SteerTranslates, BothWaysOfAConnectionAreTracked) {
  const uint16_t port = port_of(opening());
  const auto forward = forward_entry();
  const auto backward = reply_entry(port);
  ASSERT_TRUE(forward && backward);
  EXPECT_EQ(translations(), 2u);
  EXPECT_TRUE(same_flow(forward->translated_tuple, reverse(flow_of(reply(port)))));
  EXPECT_TRUE(same_flow(backward->translated_tuple, reverse(flow_of(opening()))));
  EXPECT_EQ(forward->reply, 0);
  EXPECT_EQ(backward->reply, 1);
  for (const auto& entry : {*forward, *backward}) {
    EXPECT_EQ(entry.backend, backend_.number);
    EXPECT_EQ(entry.service, service_.number);
    EXPECT_EQ(entry.state, SLUICE_TRANSLATION_OPENING);
    EXPECT_LE(stage().now_s() - entry.seen_s, 1u);
  }
}

TEST_P(SteerTranslates, AConnectionKeepsItsPortBothWays) {
  const uint16_t port = port_of(opening());
  for (int i = 0; i < 3; i++) {
    const Packet sent = request(tcp_ack, kClientPort, std::string(static_cast<size_t>(i), 'x'));
    EXPECT_TRUE(same_packet(stage().steer(sent.frame()).frame, at_backend(sent, port).frame()));
    const Packet answer = reply(port);
    EXPECT_TRUE(
        same_packet(stage().steer(answer.frame(), Device::back).frame, at_client(answer).frame()));
  }
  EXPECT_EQ(port_of(opening()), port) << "the first packet, sent again";
  EXPECT_EQ(translations(), 2u);
}

TEST_P(SteerTranslates, AThousandConnectionsHaveAThousandPorts) {
  std::set<uint16_t> ports;
  for (uint16_t client_port = 20000; client_port < 21000; client_port++) {
    const Packet sent = opening(client_port);
    const Outcome outcome = stage().steer(sent.frame());
    ASSERT_EQ(outcome.action, XDP_REDIRECT);
    const uint16_t port = source_port(Packet::parse(outcome.frame));
    ASSERT_TRUE(same_packet(outcome.frame, at_backend(sent, port).frame()));
    const Packet answer = reply(port);
    ASSERT_TRUE(same_packet(stage().steer(answer.frame(), Device::back).frame,
                            at_client(answer, client_port).frame()));
    ports.insert(port);
  }
  EXPECT_EQ(ports.size(), 1000u);
  EXPECT_GE(*ports.begin(), SLUICE_SNAT_PORT_FIRST);
  EXPECT_LE(*ports.rbegin(), SLUICE_SNAT_PORT_LAST);
  EXPECT_EQ(translations(), 2000u);
  EXPECT_EQ(stage().traffic(backend_).packets, 1000u);
  EXPECT_EQ(stage().traffic(backend_).connections, 1000u);
}

TEST_P(SteerTranslates, WhatStandsBetweenIpHeaderAndTransportStays) {
  Packet sent = Packet().ethernet(gateway, director_front);
  if (family() == Family::v4) {
    sent.add(Ipv4{.source = client.v4,
                  .destination = service_one.v4,
                  .tos = 0xb8,
                  .id = 0x1234,
                  .options = packets::Bytes(40, 1)});
  } else {
    sent.ip(Family::v6, client, service_one);
    sent.find<packets::Ipv6>()->flow_label = 0xabcde;
    sent.add(Ipv6Extension{.kind = packets::ipv6_hop_by_hop});
    for (int i = 0; i < 5; i++) sent.add(Ipv6Extension{.body = packets::Bytes(22)});
  }
  sent = with_l4(sent, kClientPort, kServicePort, tcp_syn, "odd");
  const Outcome outcome = stage().steer(sent.frame());
  EXPECT_EQ(outcome.action, XDP_REDIRECT);
  const uint16_t port = source_port(Packet::parse(outcome.frame));
  EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent, port).frame()));
}

TEST_P(SteerTranslates, PaddingOfAShortFrameStaysBehindThePacket) {
  const Packet sent = request(tcp_syn, kClientPort, "");
  const size_t bytes = sent.frame().size() + 6;
  const Outcome outcome = stage().steer(padded(sent.frame(), bytes));
  const uint16_t port = be16toh(forward_entry()->translated_tuple.source_port);
  EXPECT_TRUE(same_packet(outcome.frame, padded(at_backend(sent, port).frame(), bytes)));
}

TEST_P(SteerTranslates, TheLastHopIsDroppedEitherWay) {
  const uint16_t port = port_of(opening());
  EXPECT_EQ(stage().steer(with_ttl(opening(), 1).frame()).action, XDP_DROP);
  EXPECT_EQ(stage().steer(with_ttl(reply(port), 1).frame(), Device::back).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"ttl_expired", 2}}));
  const Packet two = with_ttl(reply(port), 2);
  EXPECT_TRUE(same_packet(stage().steer(two.frame(), Device::back).frame, at_client(two).frame()));
}

TEST_P(SteerTranslates, APacketMayFillTheNextHopsMtuAndNotExceedItEitherWay) {
  const uint16_t port = port_of(opening());
  const size_t headers = request(tcp_ack, kClientPort, "").datagram().size();
  const std::string fills(1500 - headers, 'x');
  const auto answer = [&](const std::string& payload) {
    return with_l4(Packet()
                       .ethernet(packets::backend_one, director)
                       .ip(family(), packets::backend_one, director),
                   kBackendPort, port, tcp_ack, payload);
  };
  EXPECT_EQ(stage().steer(request(tcp_ack, kClientPort, fills).frame()).action, XDP_REDIRECT);
  EXPECT_EQ(stage().steer(answer(fills).frame(), Device::back).action, XDP_REDIRECT);
  EXPECT_EQ(stage().steer(request(tcp_ack, kClientPort, fills + "x").frame()).action, XDP_TX);
  EXPECT_EQ(stage().steer(answer(fills + "x").frame(), Device::back).action, XDP_TX);
  EXPECT_EQ(stage().verdicts(service_.number),
            (Verdicts{{"reply_translated", 1}, {"too_big_reported", 2}}));
}

TEST_P(SteerTranslates, NobodyToTakeAConnectionDropsItAndRemembersNothing) {
  stage().set_ring(service_, Ring(256));
  EXPECT_EQ(stage().steer(opening().frame()).action, XDP_DROP);
  stage().set_state(service_, backend_, BackendState::down);
  stage().settle(service_, backend_);
  EXPECT_EQ(stage().steer(opening().frame()).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"no_backend", 2}}));
  EXPECT_EQ(translations(), 0u);
}

TEST_P(SteerTranslates, WhereNoRouteLeadsIsDropped) {
  move_to(backend_lost);
  EXPECT_EQ(stage().steer(opening().frame()).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"no_route", 1}}));
}

TEST_P(SteerTranslates, ADirectorThatDoesNotForwardDropsEitherWay) {
  const uint16_t port = port_of(opening());
  const Setting front_v4("net/ipv4/conf/front/forwarding", "0");
  const Setting front_v6("net/ipv6/conf/front/forwarding", "0");
  const Setting back_v4("net/ipv4/conf/back/forwarding", "0");
  const Setting back_v6("net/ipv6/conf/back/forwarding", "0");
  EXPECT_EQ(stage().steer(reply(port).frame(), Device::back).action, XDP_DROP);
  move_to(backend_two);
  EXPECT_EQ(stage().steer(opening(kClientPort + 1).frame()).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"forwarding_off", 2}}));
}

TEST_P(SteerTranslates, RepliesOfConnectionsThatNobodyKnowsPass) {
  const uint16_t port = port_of(opening());
  const std::vector<Frame> unknown{
      reply(static_cast<uint16_t>(port + 1)).frame(),
      reply(port, tcp_ack, backend_two).frame(),
      // The right backend from a port that it does not serve on.
      with_l4(Packet()
                  .ethernet(packets::backend_one, director)
                  .ip(family(), packets::backend_one, director),
              kBackendPort + 1, port, tcp_ack, "answer")
          .frame(),
  };
  for (const Frame& frame : unknown) {
    const Outcome outcome = stage().steer(frame, Device::back);
    EXPECT_EQ(outcome.action, XDP_PASS);
    EXPECT_TRUE(same_packet(outcome.frame, frame));
  }
  EXPECT_EQ(stage().verdicts(0), (Verdicts{{"not_ours", unknown.size()}}));
}

TEST_P(SteerTranslates, ADrainingBackendTakesNoNewConnection) {
  const uint16_t port = port_of(opening());
  stage().set_state(service_, backend_, BackendState::draining);
  const Backend two = move_to(backend_two);
  EXPECT_NE(port_of(opening(kClientPort + 1)), 0);
  EXPECT_EQ(stage().traffic(backend_).connections, 1u);
  EXPECT_EQ(stage().traffic(two).connections, 1u);
  // What it still has to say reaches its client.
  const Packet answer = reply(port);
  EXPECT_TRUE(
      same_packet(stage().steer(answer.frame(), Device::back).frame, at_client(answer).frame()));
}

TEST_P(SteerTranslates, AConnectionStaysWithItsBackendThroughEveryRing) {
  const uint16_t port = port_of(opening());
  move_to(backend_two);
  const Packet sent = request(tcp_ack);
  EXPECT_TRUE(same_packet(stage().steer(sent.frame()).frame, at_backend(sent, port).frame()));
  stage().set_ring(service_, Ring(256));
  EXPECT_TRUE(same_packet(stage().steer(sent.frame()).frame, at_backend(sent, port).frame()));
}

TEST_P(SteerTranslates, ConnectionsAreCountedOnceHoweverOftenTheyBegin) {
  for (int i = 0; i < 3; i++) port_of(opening());
  EXPECT_EQ(stage().traffic(backend_).connections, 1u);
  EXPECT_EQ(stage().traffic(backend_).packets, 3u);
  EXPECT_EQ(stage().traffic(backend_).bytes, 3 * opening().datagram().size());
}

TEST_P(SteerTranslatesTcp, WhatIsInMidConnectionAndUnknownIsDropped) {
  for (const uint8_t flags : {tcp_ack, tcp_fin, tcp_rst, uint8_t{tcp_syn | tcp_ack}, uint8_t{0},
                              uint8_t{tcp_syn | tcp_rst}}) {
    EXPECT_EQ(stage().steer(request(flags).frame()).action, XDP_DROP) << int{flags};
  }
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"unknown_flow", 6}}));
  EXPECT_EQ(translations(), 0u);
}

TEST_P(SteerTranslatesTcp, ADrainingBackendKeepsTheConnectionsThatItHas) {
  const uint16_t port = port_of(opening());
  stage().set_state(service_, backend_, BackendState::draining);
  move_to(backend_two);
  const Packet sent = request(tcp_ack);
  EXPECT_TRUE(same_packet(stage().steer(sent.frame()).frame, at_backend(sent, port).frame()));
}

TEST_P(SteerTranslatesTcp, AConnectionWhoseBackendIsDownIsDroppedUntilItBeginsAnew) {
  port_of(opening());
  stage().set_state(service_, backend_, BackendState::down);
  const Backend two = move_to(backend_two);
  EXPECT_EQ(stage().steer(request(tcp_ack).frame()).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"backend_down", 1}}));
  EXPECT_NE(port_of(opening()), 0);
  EXPECT_EQ(forward_entry()->backend, two.number);
  EXPECT_NE(port_of(request(tcp_ack)), 0);
}

TEST_P(SteerTranslatesTcp, AConnectionWhoseBackendLeftIsUnknownBothWaysUntilItBeginsAnew) {
  const uint16_t port = port_of(opening());
  stage().purge(backend_);
  EXPECT_EQ(stage().steer(request(tcp_ack).frame()).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"unknown_flow", 1}}));
  EXPECT_EQ(stage().steer(reply(port).frame(), Device::back).action, XDP_PASS);
  EXPECT_NE(port_of(opening()), 0);
  EXPECT_NE(port_of(request(tcp_ack)), 0);
}

TEST_P(SteerTranslatesTcp, AFinIsTrackedForEachWay) {
  const uint16_t port = port_of(opening());
  stage().steer(reply(port, tcp_syn | tcp_ack).frame(), Device::back);
  EXPECT_EQ(reply_entry(port)->state, SLUICE_TRANSLATION_OPEN);
  port_of(request(tcp_ack));
  EXPECT_EQ(forward_entry()->state, SLUICE_TRANSLATION_OPEN);
  stage().steer(request(tcp_fin | tcp_ack).frame());
  EXPECT_EQ(forward_entry()->state, SLUICE_TRANSLATION_FINISHED);
  EXPECT_EQ(reply_entry(port)->state, SLUICE_TRANSLATION_OPEN);
  stage().steer(reply(port, tcp_fin | tcp_ack).frame(), Device::back);
  EXPECT_EQ(reply_entry(port)->state, SLUICE_TRANSLATION_FINISHED);
  // The last ACK ends nothing that has ended.
  EXPECT_EQ(port_of(request(tcp_ack)), port);
  EXPECT_EQ(forward_entry()->state, SLUICE_TRANSLATION_FINISHED);
}

TEST_P(SteerTranslatesTcp, AResetIsTracked) {
  const uint16_t port = port_of(opening());
  stage().steer(reply(port, tcp_rst | tcp_ack).frame(), Device::back);
  EXPECT_EQ(reply_entry(port)->state, SLUICE_TRANSLATION_RESET);
  port_of(request(tcp_rst));
  EXPECT_EQ(forward_entry()->state, SLUICE_TRANSLATION_RESET);
}

TEST_P(SteerTranslatesTcp, AConnectionThatIsClosedMayBeginAnew) {
  const uint16_t port = port_of(opening());
  stage().steer(request(tcp_fin | tcp_ack).frame());
  EXPECT_EQ(port_of(opening()), port) << "only half of it is closed";
  stage().steer(request(tcp_fin | tcp_ack).frame());
  stage().steer(reply(port, tcp_fin | tcp_ack).frame(), Device::back);
  const Backend two = move_to(backend_two);
  const Packet sent = opening();
  const Outcome outcome = stage().steer(sent.frame());
  const uint16_t new_port = source_port(Packet::parse(outcome.frame));
  EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent, new_port, backend_two).frame()));
  EXPECT_EQ(forward_entry()->backend, two.number);
  EXPECT_EQ(forward_entry()->state, SLUICE_TRANSLATION_OPENING);
  EXPECT_EQ(stage().traffic(two).connections, 1u);
}

TEST_P(SteerTranslatesTcp, AConnectionThatWasResetMayBeginAnew) {
  for (const bool by_client : {true, false}) {
    const auto client_port = static_cast<uint16_t>(kClientPort + (by_client ? 1 : 2));
    const uint16_t port = port_of(opening(client_port));
    if (by_client) {
      stage().steer(request(tcp_rst, client_port).frame());
    } else {
      stage().steer(reply(port, tcp_rst).frame(), Device::back);
    }
    const uint16_t again = port_of(opening(client_port));
    EXPECT_NE(again, 0);
    EXPECT_NE(again, port) << "the backend may still hold what was on the old one";
  }
  EXPECT_EQ(stage().traffic(backend_).connections, 4u);
}

TEST_P(SteerTranslatesUdp, NoChecksumStaysNoChecksum) {
  Packet sent = opening();
  sent.find<Udp>()->checksum = 0;
  const Outcome outcome = stage().steer(sent.frame());
  const uint16_t port = source_port(Packet::parse(outcome.frame));
  EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent, port).frame()));
  Packet answer = reply(port);
  answer.find<Udp>()->checksum = 0;
  EXPECT_TRUE(
      same_packet(stage().steer(answer.frame(), Device::back).frame, at_client(answer).frame()));
}

TEST_P(SteerTranslatesUdp, AChecksumThatComesOutAsZeroIsSentAsAllOnes) {
  const uint16_t port = port_of(opening());
  // Two bytes that make up for everything else: the checksum of what leaves, with zeroes there.
  const std::string zeroes(2, '\0');
  const auto blank = at_backend(request(0, kClientPort, zeroes), port).frame();
  const size_t check = blank.size() - zeroes.size() - 2;
  const std::string weight(reinterpret_cast<const char*>(&blank.bytes[check]), 2);
  const Packet sent = request(0, kClientPort, weight);
  const auto expected = at_backend(sent, port).frame();
  ASSERT_EQ(expected.bytes[check], 0xff);
  ASSERT_EQ(expected.bytes[check + 1], 0xff);
  EXPECT_TRUE(same_packet(stage().steer(sent.frame()).frame, expected));
}

TEST_P(SteerTranslatesUdp, AFlowWhoseBackendTakesNothingNewBeginsAnewElsewhere) {
  for (const BackendState state : {BackendState::draining, BackendState::down}) {
    const auto client_port = static_cast<uint16_t>(kClientPort + static_cast<int>(state));
    stage().set_state(service_, backend_, BackendState::up);
    stage().settle(service_, backend_);
    port_of(opening(client_port));
    stage().set_state(service_, backend_, state);
    const Backend two = move_to(backend_two);
    EXPECT_NE(port_of(opening(client_port)), 0);
    EXPECT_EQ(forward_entry(client_port)->backend, two.number);
  }
}

INSTANTIATE_TEST_SUITE_P(Every, SteerTranslates, testing::ValuesIn(every_speech()), speech_name);
INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerTranslatesTcp,
                         testing::ValuesIn(every_speech_of(L4Proto::tcp)), speech_name);
INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerTranslatesUdp,
                         testing::ValuesIn(every_speech_of(L4Proto::udp)), speech_name);

}  // namespace
}  // namespace sluice::stage
