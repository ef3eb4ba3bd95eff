// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mode nat, destination NAT: nothing is tracked, because a reply's source identifies its service.
#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::backend_two;
using packets::client;
using packets::client_two;
using packets::director;
using packets::gateway;
using packets::outsider;
using packets::same_packet;
using packets::service_one;
using packets::service_two;
using packets::Udp;

class SteerStateless : public ModeTest {
 protected:
  [[nodiscard]] Packet from_backend(const Host& backend, uint16_t port, const Host& to,
                                    uint16_t to_port, L4Proto l4_proto = L4Proto::tcp,
                                    uint8_t flags = packets::tcp_ack) const {
    return with_l4(Packet().ethernet(backend, director).ip(family(), backend, to), l4_proto, port,
                   to_port, "answer", flags);
  }
  void expect_back(const Packet& sent, const End& from, const End& to) {
    const uint64_t before = stage().counted();
    const Outcome outcome = stage().steer(sent.frame(), Device::back);
    EXPECT_EQ(outcome.action, XDP_REDIRECT);
    EXPECT_TRUE(
        same_packet(outcome.frame, translated(sent, from, to, director_front, gateway).frame()));
    EXPECT_EQ(stage().counted(), before + 1);
  }
};

TEST_P(SteerStateless, ARequestGoesToTheBackendsAddressAndPort) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    for (const std::string& payload : {std::string(), std::string("odd"), std::string(1400, 'x')}) {
      const Packet sent = request(l4_proto, payload);
      const Outcome outcome = stage().steer(sent.frame());
      EXPECT_EQ(outcome.action, XDP_REDIRECT);
      EXPECT_TRUE(
          same_packet(outcome.frame, translated(sent, {client, kClientPort},
                                                {backend_one, kBackendPort}, director, backend_one)
                                         .frame()));
    }
  }
  EXPECT_EQ(stage().traffic(tcp_.backend).connections, 3u);
}

TEST_P(SteerStateless, AReplyToAnyClientComesFromTheService) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    const auto is_tcp = l4_proto == L4Proto::tcp;
    for (const Host* host : {&client, &client_two, &outsider}) {
      expect_back(from_backend(backend_one, kBackendPort, *host, 1234, l4_proto),
                  {service_one, kServicePort}, {*host, 1234});
    }
    EXPECT_EQ(stage().verdicts((is_tcp ? tcp_ : udp_).service.number),
              (Verdicts{{"reply_translated", 3}}));
  }
}

TEST_P(SteerStateless, NothingIsTrackedInEitherDirection) {
  stage().steer(request(L4Proto::tcp).frame());
  stage().steer(reply(L4Proto::tcp).frame(), Device::back);
  EXPECT_TRUE(stage().translations().entries()->empty());
  EXPECT_TRUE(stage().flows().entries()->empty());
  EXPECT_TRUE(stage().half_open().entries()->empty());
}

TEST_P(SteerStateless, AnAbsentUdpChecksumStaysAbsent) {
  Packet sent = request(L4Proto::udp);
  sent.find<Udp>()->checksum = 0;
  expect_reaches_backend(sent);
  Packet answer = reply(L4Proto::udp);
  answer.find<Udp>()->checksum = 0;
  expect_back(answer, {service_one, kServicePort}, {client, kClientPort});
}

TEST_P(SteerStateless, AUdpChecksumOfZeroIsSentAsAllOnes) {
  const std::string zeroes(2, '\0');
  const Frame blank = at_backend(request(L4Proto::udp, zeroes)).frame();
  const size_t check = blank.size() - zeroes.size() - 2;
  const std::string weight(reinterpret_cast<const char*>(&blank.bytes[check]), 2);
  const Packet sent = request(L4Proto::udp, weight);
  const Frame expected = at_backend(sent).frame();
  ASSERT_EQ(expected.bytes[check], 0xff);
  ASSERT_EQ(expected.bytes[check + 1], 0xff);
  EXPECT_TRUE(same_packet(stage().steer(sent.frame()).frame, expected));
}

TEST_P(SteerStateless, RepliesAreMatchedToTheServiceByBackendPort) {
  const Served other = serve(patch(L4Proto::tcp, 443, service_two), backend_one, 8443);
  expect_back(from_backend(backend_one, 8443, client, 5), {service_two, 443}, {client, 5});
  expect_back(from_backend(backend_one, kBackendPort, client, 5), {service_one, kServicePort},
              {client, 5});
  EXPECT_EQ(stage().verdicts(other.service.number), (Verdicts{{"reply_translated", 1}}));
}

TEST_P(SteerStateless, PacketsFromOtherPortsOfABackendPass) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    expect_passes(from_backend(backend_one, kBackendPort + 1, client, 5, l4_proto).frame(),
                  "not_ours", Device::back);
  }
  expect_passes(from_backend(backend_two, kBackendPort, client, 5).frame(), "not_ours",
                Device::back);
}

TEST_P(SteerStateless, PacketsToABackendsOwnAddressPass) {
  expect_passes(
      with_l4(from_client({}, backend_one), L4Proto::tcp, kClientPort, kBackendPort, "").frame(),
      "not_ours");
}

TEST_P(SteerStateless, RepliesToTheDirectorsOwnConnectionsPass) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    expect_passes(from_backend(backend_one, kBackendPort, director, 5, l4_proto).frame(),
                  "not_ours", Device::back);
    expect_passes(from_backend(backend_one, kBackendPort, director_front, 5, l4_proto).frame(),
                  "not_ours", Device::back);
  }
}

TEST_P(SteerStateless, ABackendThatDrainsOrIsDownStillReplies) {
  for (const BackendState state : {BackendState::draining, BackendState::down}) {
    stage().set_state(tcp_.service, tcp_.backend, state);
    expect_back(from_backend(backend_one, kBackendPort, client, 5), {service_one, kServicePort},
                {client, 5});
  }
}

TEST_P(SteerStateless, ABackendMayBeAClientOfAnotherService) {
  const Served other = serve(patch(L4Proto::tcp, 443, service_two), backend_two, 8443);
  const Packet sent =
      from_backend(backend_one, kClientPort, service_two, 443, L4Proto::tcp, packets::tcp_syn);
  const Outcome outcome = stage().steer(sent.frame(), Device::back);
  EXPECT_EQ(outcome.action, XDP_TX);
  EXPECT_TRUE(same_packet(outcome.frame, translated(sent, {backend_one, kClientPort},
                                                    {backend_two, 8443}, director, backend_two)
                                             .frame()));
  EXPECT_EQ(stage().traffic(other.backend).packets, 1u);
}

TEST_P(SteerStateless, ATtlOfOneIsDroppedInBothDirections) {
  expect_dropped(with_ttl(request(L4Proto::tcp), 1).frame(), "ttl_expired", tcp_.service);
  const Packet answer = with_ttl(from_backend(backend_one, kBackendPort, client, 5), 1);
  EXPECT_EQ(stage().steer(answer.frame(), Device::back).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"ttl_expired", 2}}));
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerStateless,
                         testing::ValuesIn(every_combination_of(Mode::nat)), combination_name);

}  // namespace
}  // namespace sluice::stage
