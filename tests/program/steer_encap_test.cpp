// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mode ipip: the client's packet leaves unchanged behind an outer header; packets that cannot leave
// are dropped and counted.
#include <linux/bpf.h>

#include "expectations.h"
#include "stage.h"
#include "translation.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::client;
using packets::director;
using packets::gateway;
using packets::Packet;
using packets::same_packet;
using packets::service_one;

struct CarriedProtocol {
  Family inner;
  Family outer;
  L4Proto l4_proto;
};

class SteerEncapsulates : public StageTest, public testing::WithParamInterface<CarriedProtocol> {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    service_ = stage().add_service(inner(), service_one, 80, GetParam().l4_proto, Mode::ipip);
    backend_ = stage().add_backend(service_, outer(), backend_one);
    stage().settle(service_, backend_);
  }

  [[nodiscard]] Family inner() const { return GetParam().inner; }
  [[nodiscard]] Family outer() const { return GetParam().outer; }
  [[nodiscard]] uint32_t outer_bytes() const { return outer() == Family::v4 ? 20 : 40; }

  // From a client through the gateway.
  [[nodiscard]] Packet to_service() const {
    return Packet().ethernet(gateway, director_front).ip(inner(), client, service_one);
  }
  [[nodiscard]] Packet with_l4(Packet packet, const std::string& payload) const {
    return stage::with_l4(std::move(packet), GetParam().l4_proto, kClientPort, kServicePort,
                          payload, packets::tcp_ack);
  }
  [[nodiscard]] Packet request(const std::string& payload = "hello") const {
    return with_l4(to_service(), payload);
  }
  [[nodiscard]] Packet to_backend(const Packet& sent, const Host& backend = backend_one) {
    return encapsulated(sent, outer(), backend, flow_hash(stage().seed(), sent), director, backend);
  }

  void expect_dropped(const Packet& sent, const std::string& verdict) {
    EXPECT_EQ(stage().steer(sent.frame()).action, XDP_DROP);
    EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{verdict, 1}}));
    EXPECT_EQ(stage().counted(), 1u);
  }

  void move_to(const Host& host, BackendState state = BackendState::up) {
    backend_ = stage().add_backend(service_, outer(), host, state);
    stage().settle(service_, backend_);
  }

  Service service_;
  Backend backend_;
};

TEST_P(SteerEncapsulates, APacketLeavesEncapsulatedByAnotherDevice) {
  const Packet sent = request();
  const Outcome outcome = stage().steer(sent.frame(), Device::front);
  EXPECT_EQ(outcome.action, XDP_REDIRECT);
  EXPECT_TRUE(same_packet(outcome.frame, to_backend(sent).frame()));
}

TEST_P(SteerEncapsulates, APacketLeavesEncapsulatedByTheDeviceItCameBy) {
  const Packet sent = between(request(), client, director);
  const Outcome outcome = stage().steer(sent.frame(), Device::back);
  EXPECT_EQ(outcome.action, XDP_TX);
  EXPECT_TRUE(same_packet(outcome.frame, to_backend(sent).frame()));
}

TEST_P(SteerEncapsulates, ABackendBehindARouterIsReachedByTheRoutersMac) {
  move_to(backend_far);
  const Packet sent = request();
  const Outcome outcome = stage().steer(sent.frame(), Device::front);
  EXPECT_EQ(outcome.action, XDP_TX);
  EXPECT_TRUE(same_packet(outcome.frame,
                          encapsulated(sent, outer(), backend_far, flow_hash(stage().seed(), sent),
                                       director_front, gateway)
                              .frame()));
}

TEST_P(SteerEncapsulates, PacketsOfEveryLengthHaveCorrectLengthsAndChecksums) {
  for (size_t bytes = 0; bytes <= 1400; bytes += 7) {
    const Packet sent = request(std::string(bytes, 'x'));
    const Outcome outcome = stage().steer(sent.frame());
    ASSERT_TRUE(same_packet(outcome.frame, to_backend(sent).frame())) << bytes;
  }
}

TEST_P(SteerEncapsulates, TheOuterHeaderCarriesTheFlowsHash) {
  for (uint16_t port = 1024; port < 1224; port++) {
    const Packet sent =
        stage::with_l4(to_service(), GetParam().l4_proto, port, kServicePort, "", packets::tcp_ack);
    const Outcome outcome = stage().steer(sent.frame());
    ASSERT_TRUE(same_packet(outcome.frame, to_backend(sent).frame())) << port;
  }
}

TEST_P(SteerEncapsulates, OptionsAndExtensionHeadersAreKept) {
  const Packet sent =
      with_l4(with_long_ip_header(Packet().ethernet(gateway, director_front), inner()), "hello");
  const Outcome outcome = stage().steer(sent.frame());
  EXPECT_EQ(outcome.action, XDP_REDIRECT);
  EXPECT_TRUE(same_packet(outcome.frame, to_backend(sent).frame()));
}

TEST_P(SteerEncapsulates, PaddingOfAShortFrameIsKeptAndNotCounted) {
  const Packet sent = request("");
  const size_t bytes = sent.frame().size() + 6;
  const Outcome outcome = stage().steer(padded(sent.frame(), bytes));
  EXPECT_EQ(outcome.action, XDP_REDIRECT);
  EXPECT_TRUE(same_packet(outcome.frame, padded(to_backend(sent).frame(), bytes + outer_bytes())));
  EXPECT_EQ(stage().traffic(backend_).bytes, sent.datagram().size());
}

TEST_P(SteerEncapsulates, ATtlOfTwoIsForwardedAndATtlOfOneIsDropped) {
  const Packet two = with_ttl(request(), 2);
  EXPECT_TRUE(same_packet(stage().steer(two.frame()).frame, to_backend(two).frame()));
  for (const uint8_t ttl : {uint8_t{1}, uint8_t{0}}) {
    EXPECT_EQ(stage().steer(with_ttl(request(), ttl).frame()).action, XDP_DROP);
  }
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"ttl_expired", 2}}));
  EXPECT_EQ(stage().traffic(backend_).packets, 1u);
}

TEST_P(SteerEncapsulates, APacketMayFillButNotExceedTheNextHopsMtu) {
  const size_t headers = request("").datagram().size();
  const Packet fits = request(std::string(1500 - outer_bytes() - headers, 'x'));
  EXPECT_TRUE(same_packet(stage().steer(fits.frame()).frame, to_backend(fits).frame()));
  const Packet exceeds = request(std::string(1500 - outer_bytes() - headers + 1, 'x'));
  EXPECT_EQ(stage().steer(exceeds.frame()).action, XDP_TX);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"too_big_reported", 1}}));
}

TEST_P(SteerEncapsulates, AServiceThatNeverHadABackendDropsAndCounts) {
  const Service other =
      stage().add_service(inner(), service_one, 81, GetParam().l4_proto, Mode::ipip);
  const Packet sent =
      stage::with_l4(to_service(), GetParam().l4_proto, kClientPort, 81, "", packets::tcp_ack);
  EXPECT_EQ(stage().steer(sent.frame()).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(other.number), (Verdicts{{"no_backend", 1}}));
  EXPECT_EQ(stage().counted(), 1u);
}

TEST_P(SteerEncapsulates, ARingWithoutBackendsDrops) {
  stage().set_ring(service_, Ring(256));
  expect_dropped(request(), "no_backend");
}

TEST_P(SteerEncapsulates, ABackendThatIsDownDrops) {
  stage().set_state(service_, backend_, BackendState::down);
  expect_dropped(request(), "backend_down");
}

TEST_P(SteerEncapsulates, ADrainingBackendStillReceivesThePacketsOfItsSlots) {
  stage().set_state(service_, backend_, BackendState::draining);
  const Packet sent = request();
  EXPECT_TRUE(same_packet(stage().steer(sent.frame()).frame, to_backend(sent).frame()));
}

TEST_P(SteerEncapsulates, ABackendWithoutARouteDrops) {
  move_to(backend_lost);
  expect_dropped(request(), "no_route");
}

TEST_P(SteerEncapsulates, ADirectorThatDoesNotForwardDrops) {
  const Setting v4("net/ipv4/conf/front/forwarding", "0");
  const Setting v6("net/ipv6/conf/front/forwarding", "0");
  expect_dropped(request(), "forwarding_off");
}

TEST_P(SteerEncapsulates, ADriverWithoutHeadroomDrops) {
  const auto outcome = stage().steer_without_room(request().frame());
  if (!outcome) GTEST_SKIP() << "this kernel's test runs cannot remove the headroom (before 6.5)";
  EXPECT_EQ(outcome->action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"no_room", 1}}));
  EXPECT_EQ(stage().counted(), 1u);
}

TEST_P(SteerEncapsulates, CountersAreExactWithACachedNextHop) {
  const Packet sent = request();
  const auto expected = to_backend(sent).frame();
  for (uint64_t i = 1; i <= 3; i++) {
    EXPECT_TRUE(same_packet(stage().steer(sent.frame()).frame, expected));
    EXPECT_EQ(stage().traffic(backend_).packets, i);
    EXPECT_EQ(stage().traffic(backend_).bytes, i * sent.datagram().size());
  }
  EXPECT_EQ(stage().counted(), 3u);
}

std::string carried_protocol_name(const testing::TestParamInfo<CarriedProtocol>& info) {
  return fmt::format("{}_{}_in_{}", family_text(info.param.inner),
                     l4_proto_text(info.param.l4_proto), family_text(info.param.outer));
}

INSTANTIATE_TEST_SUITE_P(EveryNesting, SteerEncapsulates,
                         testing::Values(CarriedProtocol{Family::v4, Family::v4, L4Proto::tcp},
                                         CarriedProtocol{Family::v4, Family::v6, L4Proto::tcp},
                                         CarriedProtocol{Family::v6, Family::v4, L4Proto::tcp},
                                         CarriedProtocol{Family::v6, Family::v6, L4Proto::tcp},
                                         CarriedProtocol{Family::v4, Family::v4, L4Proto::udp},
                                         CarriedProtocol{Family::v4, Family::v6, L4Proto::udp},
                                         CarriedProtocol{Family::v6, Family::v4, L4Proto::udp},
                                         CarriedProtocol{Family::v6, Family::v6, L4Proto::udp}),
                         carried_protocol_name);

}  // namespace
}  // namespace sluice::stage
