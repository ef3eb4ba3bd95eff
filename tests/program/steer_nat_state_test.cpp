// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mode snat, full NAT: the states of TCP connections and UDP flows from the first packet to the
// last.
#include "translation.h"

namespace sluice::stage {
namespace {

using packets::backend_two;
using packets::Packet;
using packets::same_packet;
using packets::tcp_ack;
using packets::tcp_fin;
using packets::tcp_rst;
using packets::tcp_syn;
using packets::Udp;

class SteerTranslatesTcp : public SnatTest {};
class SteerTranslatesUdp : public SnatTest {};

TEST_P(SteerTranslatesTcp, UntrackedMidConnectionPacketsAreDropped) {
  for (const uint8_t flags : {tcp_ack, tcp_fin, tcp_rst, uint8_t{tcp_syn | tcp_ack}, uint8_t{0},
                              uint8_t{tcp_syn | tcp_rst}}) {
    EXPECT_EQ(stage().steer(request(flags).frame()).action, XDP_DROP) << int{flags};
  }
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"unknown_flow", 6}}));
  EXPECT_EQ(translations(), 0u);
}

TEST_P(SteerTranslatesTcp, ADrainingBackendKeepsItsConnections) {
  const uint16_t port = port_of(opening());
  stage().set_state(service_, backend_, BackendState::draining);
  move_to(backend_two);
  const Packet sent = request(tcp_ack);
  EXPECT_TRUE(same_packet(stage().steer(sent.frame()).frame, at_backend(sent, port).frame()));
}

TEST_P(SteerTranslatesTcp, AConnectionToABackendThatIsDownIsDroppedUntilANewSyn) {
  port_of(opening());
  stage().set_state(service_, backend_, BackendState::down);
  const Backend two = move_to(backend_two);
  EXPECT_EQ(stage().steer(request(tcp_ack).frame()).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"backend_down", 1}}));
  EXPECT_NE(port_of(opening()), 0);
  EXPECT_EQ(forward_entry()->backend, two.number);
  EXPECT_NE(port_of(request(tcp_ack)), 0);
}

TEST_P(SteerTranslatesTcp, APurgedConnectionIsUnknownInBothDirectionsUntilANewSyn) {
  const uint16_t port = port_of(opening());
  stage().purge(backend_);
  EXPECT_EQ(stage().steer(request(tcp_ack).frame()).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"unknown_flow", 1}}));
  EXPECT_EQ(stage().steer(reply(port).frame(), Device::back).action, XDP_PASS);
  EXPECT_NE(port_of(opening()), 0);
  EXPECT_NE(port_of(request(tcp_ack)), 0);
}

TEST_P(SteerTranslatesTcp, AFinIsTrackedPerDirection) {
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
  // The last ACK does not reopen the connection.
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

TEST_P(SteerTranslatesTcp, AClosedConnectionMayBeginAgain) {
  const uint16_t port = port_of(opening());
  stage().steer(request(tcp_fin | tcp_ack).frame());
  EXPECT_EQ(port_of(opening()), port) << "the connection is half-closed";
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

TEST_P(SteerTranslatesTcp, AResetConnectionMayBeginAgain) {
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
    EXPECT_NE(again, port) << "the backend may still have state for the old port";
  }
  EXPECT_EQ(stage().traffic(backend_).connections, 4u);
}

TEST_P(SteerTranslatesUdp, AnAbsentUdpChecksumStaysAbsent) {
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

TEST_P(SteerTranslatesUdp, AUdpChecksumOfZeroIsSentAsAllOnes) {
  const uint16_t port = port_of(opening());
  // Two payload bytes that make the checksum zero: the checksum of the same packet with zeroes
  // there.
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

TEST_P(SteerTranslatesUdp, AFlowToADrainingOrDownBackendBeginsAgainElsewhere) {
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

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerTranslatesTcp,
                         testing::ValuesIn(every_transport_of(L4Proto::tcp)), transport_name);
INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerTranslatesUdp,
                         testing::ValuesIn(every_transport_of(L4Proto::udp)), transport_name);

}  // namespace
}  // namespace sluice::stage
