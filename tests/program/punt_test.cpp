// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets that steer cannot send itself are punted to the stack: steer sets the secret source MAC,
// by which punt recognises and sends them.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "translation.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::backend_three;
using packets::client;
using packets::director;
using packets::gateway;
using packets::Packet;
using packets::same_packet;
using packets::service_one;
using packets::tcp_ack;
using packets::tcp_syn;

// Between steer and punt only the source MAC has a meaning; the destination MAC is zero.
const Host no_host{"no_host", 0, "0.0.0.0", "::"};

Packet marked(const Packet& packet) {
  Packet out = between(packet, punt_sent, no_host);
  out.find<packets::Ethernet>()->destination = {};
  return out;
}

class Punt : public StageTestOfFamily {
 protected:
  [[nodiscard]] Packet to(const Host& host) const {
    return marked(Packet()
                      .ethernet(director, director)
                      .ip(family(), director, host)
                      .ip(family(), client, service_one)
                      .tcp({.source_port = 40000, .destination_port = 80}));
  }
};

TEST_P(Punt, APacketWithTheSecretMacIsSent) {
  for (const Host* host : {&backend_one, &backend_three, &backend_far}) {
    const Frame frame = to(*host).frame();
    const Outcome outcome = stage().punt(frame);
    EXPECT_EQ(outcome.action, TC_ACT_REDIRECT) << host->name;
    EXPECT_TRUE(same_packet(outcome.frame, frame));
  }
  EXPECT_EQ(stage().verdicts(0), (Verdicts{{"punt_sent", 3}}));
}

TEST_P(Punt, APacketWithoutARouteIsDroppedAndCounted) {
  EXPECT_EQ(stage().punt(to(backend_lost).frame()).action, TC_ACT_SHOT);
  EXPECT_EQ(stage().verdicts(0), (Verdicts{{"punt_no_route", 1}}));
}

TEST_P(Punt, OtherPacketsAreLeftToTheStack) {
  const Frame foreign = between(to(backend_one), client, director).frame();
  const Outcome outcome = stage().punt(foreign);
  EXPECT_EQ(outcome.action, TC_ACT_UNSPEC);
  EXPECT_TRUE(same_packet(outcome.frame, foreign));
  Frame nearly = to(backend_one).frame();
  for (size_t byte = 6; byte < 12; byte++) {
    nearly.bytes[byte] ^= 1;
    EXPECT_EQ(stage().punt(nearly).action, TC_ACT_UNSPEC) << byte;
    nearly.bytes[byte] ^= 1;
  }
  EXPECT_EQ(stage().counted(), 0u);
}

TEST_P(Punt, AMarkedPacketThatIsNotIpOrTruncatedIsDropped) {
  const Frame whole = to(backend_one).frame();
  const size_t header_end = 14 + (family() == Family::v4 ? 20u : 40u);
  for (size_t bytes = 14; bytes < header_end; bytes++) {
    const Outcome outcome = stage().punt(whole.truncated(bytes));
    // The kernel rejects some of these before the program runs.
    if (outcome.action < 0) continue;
    ASSERT_EQ(outcome.action, TC_ACT_SHOT) << bytes;
  }
  Frame arp = whole;
  arp.bytes[12] = 0x08;
  arp.bytes[13] = 0x06;
  EXPECT_EQ(stage().punt(arp).action, TC_ACT_SHOT);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, Punt, testing::ValuesIn(packets::both_families),
                         family_name);

class SteerPunts : public StageTest, public testing::WithParamInterface<Nesting> {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    service_ = stage().add_service(GetParam().inner, service_one, 80, L4Proto::tcp, Mode::ipip);
    backend_ = stage().add_backend(service_, GetParam().outer, backend_three);
    stage().settle(service_, backend_);
  }

  Service service_;
  Backend backend_;
};

TEST_P(SteerPunts, AnEncapsulatedPacketIsPunted) {
  const Packet sent = Packet()
                          .ethernet(gateway, director_front)
                          .ip(GetParam().inner, client, service_one)
                          .tcp({.source_port = 40000, .destination_port = 80, .flags = tcp_syn})
                          .payload("hello");
  const Outcome steered = stage().steer(sent.frame());
  EXPECT_EQ(steered.action, XDP_PASS);
  EXPECT_TRUE(same_packet(steered.frame,
                          marked(encapsulated(sent, GetParam().outer, backend_three,
                                              flow_hash(stage().seed(), sent), no_host, no_host))
                              .frame()));
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"neighbour_unknown", 1}}));
  EXPECT_EQ(stage().traffic(backend_), (Traffic{1, sent.datagram().size(), 1}));
  EXPECT_EQ(stage().punt(steered.frame).action, TC_ACT_REDIRECT);
  EXPECT_EQ(stage().verdicts(0), (Verdicts{{"punt_sent", 1}}));
}

INSTANTIATE_TEST_SUITE_P(EveryNesting, SteerPunts, testing::ValuesIn(every_nesting), nesting_name);

class SteerPuntsTranslated : public SnatTest {
 protected:
  void replace_service(bool paced, const Host& backend) {
    stage().clear();
    service_ = stage().add_service(family(), service_one, kServicePort, GetParam().l4_proto,
                                   Mode::snat, paced);
    backend_ = move_to(backend);
  }
};

TEST_P(SteerPuntsTranslated, ARequestToABackendWithAnUnknownMacIsPunted) {
  replace_service(false, backend_three);
  const Packet sent = opening();
  const Outcome steered = stage().steer(sent.frame());
  EXPECT_EQ(steered.action, XDP_PASS);
  ASSERT_TRUE(forward_entry());
  const uint16_t port = source_port(Packet::parse(steered.frame));
  EXPECT_TRUE(same_packet(steered.frame, marked(at_backend(sent, port, backend_three)).frame()));
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"neighbour_unknown", 1}}));
  EXPECT_EQ(stage().punt(steered.frame).action, TC_ACT_REDIRECT);
}

// Only replies have a rate; packets from clients take the fast path.
TEST_P(SteerPuntsTranslated, RepliesOfAServiceWithARateArePunted) {
  replace_service(true, backend_one);
  const Packet sent = opening();
  const Outcome steered = stage().steer(sent.frame());
  EXPECT_EQ(steered.action, XDP_REDIRECT);
  const uint16_t port = source_port(Packet::parse(steered.frame));
  EXPECT_TRUE(same_packet(steered.frame, at_backend(sent, port).frame()));
  const Packet answer = reply(port, tcp_syn | tcp_ack);
  const Outcome answered = stage().steer(answer.frame(), Device::back);
  EXPECT_EQ(answered.action, XDP_PASS);
  EXPECT_TRUE(same_packet(answered.frame, marked(at_client(answer)).frame()));
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"punted_to_pace", 1}}));
  EXPECT_EQ(stage().punt(answered.frame, Device::back).action, TC_ACT_REDIRECT);
  EXPECT_EQ(stage().verdicts(0), (Verdicts{{"punt_sent", 1}}));
}

INSTANTIATE_TEST_SUITE_P(Every, SteerPuntsTranslated, testing::ValuesIn(every_transport()),
                         transport_name);

}  // namespace
}  // namespace sluice::stage
