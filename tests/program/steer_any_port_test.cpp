// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Services of any port, in every mode: the destination port is kept, and a service of the exact
// port takes precedence.
#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::backend_two;
using packets::director;
using packets::same_packet;
using packets::service_two;

const std::vector<uint16_t> kPorts{1, 79, 443, 8080, 65535};

class SteerAnyPort : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    if (IsSkipped()) return;
    for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
      Served& any = l4_proto == L4Proto::tcp ? any_tcp_ : any_udp_;
      any = serve(patch(l4_proto, 0, service_two), backend_two, 0);
    }
  }
  [[nodiscard]] Packet to_port(uint16_t port, L4Proto l4_proto = L4Proto::tcp) const {
    return with_l4(from_client({}, service_two), l4_proto, kClientPort, port, "question");
  }

  void expect_at(const Packet& sent, const Host& backend, uint16_t backend_port) {
    const Outcome outcome = stage().steer(sent.frame());
    EXPECT_EQ(outcome.action, XDP_REDIRECT);
    EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent, backend, backend_port).frame()));
  }

  Served any_tcp_;
  Served any_udp_;
};

class SteerAnyPortReplies : public SteerAnyPort {};

TEST_P(SteerAnyPort, EveryPortReachesTheSamePortOfTheBackend) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    for (const uint16_t port : kPorts) expect_at(to_port(port, l4_proto), backend_two, port);
  }
  EXPECT_EQ(stage().traffic(any_tcp_.backend).packets, kPorts.size());
  EXPECT_EQ(stage().traffic(any_udp_.backend).packets, kPorts.size());
  EXPECT_EQ(stage().counted(), 2 * kPorts.size());
}

TEST_P(SteerAnyPort, AServiceOfTheExactPortTakesPrecedence) {
  serve(patch(L4Proto::tcp, 443, service_two), backend_one, 443);
  expect_at(to_port(443), backend_one, 443);
  expect_at(to_port(444), backend_two, 444);
}

TEST_P(SteerAnyPort, OtherAddressesAreNotServed) {
  const Packet sent = with_l4(from_client(), L4Proto::tcp, kClientPort, 443, "question");
  expect_passes(sent.frame(), "not_ours");
}

TEST_P(SteerAnyPortReplies, RepliesComeFromTheRequestedPort) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    for (const uint16_t port : kPorts) {
      const Packet sent = to_port(port, l4_proto);
      stage().steer(sent.frame());
      const End to = mode() == Mode::nat ? End{packets::client, kClientPort}
                                         : End{director, translated_port(sent)};
      const Packet answer =
          with_l4(Packet().ethernet(backend_two, director).ip(family(), backend_two, to.host),
                  l4_proto, port, to.port, "answer", packets::tcp_ack);
      const Outcome outcome = stage().steer(answer.frame(), Device::back);
      EXPECT_EQ(outcome.action, XDP_REDIRECT);
      EXPECT_TRUE(same_packet(
          outcome.frame, translated(answer, {service_two, port}, {packets::client, kClientPort},
                                    director_front, packets::gateway)
                             .frame()))
          << port;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerAnyPort, testing::ValuesIn(every_combination()),
                         combination_name);
INSTANTIATE_TEST_SUITE_P(EveryModeWithReplies, SteerAnyPortReplies,
                         testing::ValuesIn(combinations_with_replies()), combination_name);

}  // namespace
}  // namespace sluice::stage
