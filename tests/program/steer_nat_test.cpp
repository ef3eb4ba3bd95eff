// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mode snat, full NAT: the translated packets to the backend and to the client, and the entries
// that track a connection from its first packet on.
#include <endian.h>

#include <set>

#include "translation.h"

namespace sluice::stage {
namespace {

using packets::backend_two;
using packets::client;
using packets::director;
using packets::gateway;
using packets::Packet;
using packets::same_packet;
using packets::tcp_ack;
using packets::tcp_syn;

class SteerTranslates : public SnatTest {};

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

TEST_P(SteerTranslates, ADirectorWithOneDeviceSendsWhereItReceived) {
  const Packet sent = between(opening(), client, director);
  const Outcome outcome = stage().steer(sent.frame(), Device::back);
  EXPECT_EQ(outcome.action, XDP_TX);
  const uint16_t port = source_port(Packet::parse(outcome.frame));
  EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent, port).frame()));
  EXPECT_EQ(stage().steer(reply(port).frame(), Device::front).action, XDP_TX);
}

TEST_P(SteerTranslates, BothDirectionsOfAConnectionAreTracked) {
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

TEST_P(SteerTranslates, AConnectionKeepsItsPortInBothDirections) {
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

TEST_P(SteerTranslates, OptionsAndExtensionHeadersAreKept) {
  const Packet sent =
      with_l4(with_long_ip_header(Packet().ethernet(gateway, director_front), family()),
              kClientPort, kServicePort, tcp_syn, "odd");
  const Outcome outcome = stage().steer(sent.frame());
  EXPECT_EQ(outcome.action, XDP_REDIRECT);
  const uint16_t port = source_port(Packet::parse(outcome.frame));
  EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent, port).frame()));
}

TEST_P(SteerTranslates, PaddingOfAShortFrameIsKept) {
  const Packet sent = request(tcp_syn, kClientPort, "");
  const size_t bytes = sent.frame().size() + 6;
  const Outcome outcome = stage().steer(padded(sent.frame(), bytes));
  const uint16_t port = be16toh(forward_entry()->translated_tuple.source_port);
  EXPECT_TRUE(same_packet(outcome.frame, padded(at_backend(sent, port).frame(), bytes)));
}

TEST_P(SteerTranslates, ATtlOfOneIsDroppedInBothDirections) {
  const uint16_t port = port_of(opening());
  EXPECT_EQ(stage().steer(with_ttl(opening(), 1).frame()).action, XDP_DROP);
  EXPECT_EQ(stage().steer(with_ttl(reply(port), 1).frame(), Device::back).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"ttl_expired", 2}}));
  const Packet two = with_ttl(reply(port), 2);
  EXPECT_TRUE(same_packet(stage().steer(two.frame(), Device::back).frame, at_client(two).frame()));
}

TEST_P(SteerTranslates, APacketMayFillButNotExceedTheMtuInBothDirections) {
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

TEST_P(SteerTranslates, AConnectionWithoutABackendIsDroppedAndNotTracked) {
  stage().set_ring(service_, Ring(256));
  EXPECT_EQ(stage().steer(opening().frame()).action, XDP_DROP);
  stage().set_state(service_, backend_, BackendState::down);
  stage().settle(service_, backend_);
  EXPECT_EQ(stage().steer(opening().frame()).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"no_backend", 2}}));
  EXPECT_EQ(translations(), 0u);
}

TEST_P(SteerTranslates, APacketToABackendWithoutARouteIsDropped) {
  move_to(backend_lost);
  EXPECT_EQ(stage().steer(opening().frame()).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"no_route", 1}}));
}

TEST_P(SteerTranslates, ADirectorThatDoesNotForwardDropsInBothDirections) {
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

TEST_P(SteerTranslates, RepliesOfUntrackedConnectionsPass) {
  const uint16_t port = port_of(opening());
  const std::vector<Frame> unknown{
      reply(static_cast<uint16_t>(port + 1)).frame(),
      reply(port, tcp_ack, backend_two).frame(),
      // The right backend, another source port.
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
  // The draining backend's replies still reach the client.
  const Packet answer = reply(port);
  EXPECT_TRUE(
      same_packet(stage().steer(answer.frame(), Device::back).frame, at_client(answer).frame()));
}

TEST_P(SteerTranslates, AConnectionKeepsItsBackendWhenTheRingChanges) {
  const uint16_t port = port_of(opening());
  move_to(backend_two);
  const Packet sent = request(tcp_ack);
  EXPECT_TRUE(same_packet(stage().steer(sent.frame()).frame, at_backend(sent, port).frame()));
  stage().set_ring(service_, Ring(256));
  EXPECT_TRUE(same_packet(stage().steer(sent.frame()).frame, at_backend(sent, port).frame()));
}

TEST_P(SteerTranslates, ARepeatedFirstPacketIsOneConnection) {
  for (int i = 0; i < 3; i++) port_of(opening());
  EXPECT_EQ(stage().traffic(backend_).connections, 1u);
  EXPECT_EQ(stage().traffic(backend_).packets, 3u);
  EXPECT_EQ(stage().traffic(backend_).bytes, 3 * opening().datagram().size());
}

INSTANTIATE_TEST_SUITE_P(Every, SteerTranslates, testing::ValuesIn(every_transport()),
                         transport_name);

}  // namespace
}  // namespace sluice::stage
