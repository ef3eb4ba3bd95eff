// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The service option mss in steer: in SYNs to backends in every mode, and in SYN-ACKs of backends
// in the modes whose replies pass here. The checksum of every expected packet is complete and
// valid.
#include <algorithm>

#include "modes.h"

namespace sluice::stage {
namespace {

using packets::Bytes;
using packets::option_md5;
using packets::option_mss;
using packets::option_nop;
using packets::option_window_scale;
using packets::same_packet;
using packets::Tcp;
using packets::tcp_ack;
using packets::tcp_options;
using packets::tcp_syn;

constexpr uint16_t kLoweredPort = 443;
constexpr uint16_t kLoweredBackendPort = 8443;  // mode nat: a backend's port has one service

class SteerMss : public ModeTest {
 protected:
  void serve_with(uint16_t mss, const Host& backend = packets::backend_one) {
    Service service = patch(L4Proto::tcp, kLoweredPort);
    service.mss = mss;
    served_ = serve(service, backend, kLoweredBackendPort);
  }
  [[nodiscard]] Packet segment(uint8_t flags, Bytes options) const {
    return from_client().tcp({.source_port = kClientPort,
                              .destination_port = kLoweredPort,
                              .seq = 7,
                              .flags = flags,
                              .options = std::move(options)});
  }
  [[nodiscard]] Packet syn(uint16_t mss) const {
    return segment(tcp_syn, tcp_options({option_mss(mss), option_window_scale(7)}));
  }
  [[nodiscard]] Packet syn_at_odd_offset(uint16_t mss) const {
    return segment(tcp_syn, tcp_options({option_nop(), option_mss(mss), option_window_scale(7)}));
  }
  // The largest segment that fits the path to the backend.
  [[nodiscard]] uint16_t fitting(size_t mtu) const {
    const size_t outer = GetParam().outer ? GetParam().outer->bytes() : 0;
    return static_cast<uint16_t>(mtu - outer - (family() == Family::v4 ? 40 : 60));
  }
  void expect_at_backend(const Packet& sent, const Packet& arrives) {
    const Outcome outcome = stage().steer(sent.frame());
    EXPECT_EQ(outcome.action, XDP_REDIRECT);
    const Packet expected = at_backend(arrives, packets::backend_one, kLoweredBackendPort);
    EXPECT_TRUE(same_packet(outcome.frame, expected.frame()));
  }

  // A punted packet is as a sent one, except for its MACs.
  static void expect_punted(Outcome outcome, const Packet& expected) {
    EXPECT_EQ(outcome.action, XDP_PASS);
    const Bytes macs = expected.frame().bytes;
    std::copy_n(macs.begin(), 12, outcome.frame.bytes.begin());
    EXPECT_TRUE(same_packet(outcome.frame, expected.frame()));
  }
  // The fast path does not look at a backend's state until its cached path expires.
  [[nodiscard]] bool takes_the_slow_path(const Packet& sent) {
    stage().set_state(served_.service, served_.backend, BackendState::down);
    const int action = stage().steer(sent.frame()).action;
    stage().set_state(served_.service, served_.backend, BackendState::up);
    return action == XDP_DROP;
  }

  Served served_;
};

TEST_P(SteerMss, OfASynIsLoweredToTheOption) {
  serve_with(1200);
  expect_at_backend(syn(1460), syn(1200));
}

TEST_P(SteerMss, AtAnOddOffsetIsLowered) {
  serve_with(1201);
  expect_at_backend(syn_at_odd_offset(1460), syn_at_odd_offset(1201));
}

TEST_P(SteerMss, IsNeverRaised) {
  serve_with(1200);
  expect_at_backend(syn(1200), syn(1200));
  expect_at_backend(syn(536), syn(536));
}

TEST_P(SteerMss, WithAutoFitsThePathToTheBackend) {
  serve_with(SLUICE_MSS_AUTO);
  expect_at_backend(syn(9000), syn(fitting(kMtu)));
  const Packet fits = syn(fitting(kMtu));
  expect_at_backend(fits, fits);
}

TEST_P(SteerMss, WithAutoFitsThePathToABackendWithAnUnknownMac) {
  serve_with(SLUICE_MSS_AUTO, packets::backend_three);
  const Outcome outcome = stage().steer(syn(9000).frame());
  expect_punted(outcome,
                at_backend(syn(fitting(kMtu)), packets::backend_three, kLoweredBackendPort));
}

// Mode nat, stateless, has no fast path; mode snat has none because its flows are translated.
TEST_P(SteerMss, OnlySynsTakeTheSlowPath) {
  if (translates()) return;
  serve_with(SLUICE_MSS_AUTO);
  stage().steer(syn(1460).frame());
  EXPECT_TRUE(takes_the_slow_path(syn(1460)));
  EXPECT_FALSE(takes_the_slow_path(segment(tcp_ack, {})));
  EXPECT_FALSE(takes_the_slow_path(segment(tcp_ack | packets::tcp_fin, {})));
  EXPECT_FALSE(takes_the_slow_path(segment(tcp_ack | tcp_syn, tcp_options({option_mss(1460)}))));
}

// A fragment's checksum covers other packets too.
TEST_P(SteerMss, OfAFragmentedSynStays) {
  serve_with(536);
  const Packet whole = syn(1460).payload(std::string(200, 'x'));
  const Packet sent = fragments_of(whole, 64, 1)[0];
  const Outcome outcome = stage().steer(sent.frame());
  const Packet expected =
      GetParam().outer
          ? encapsulated(sent, *GetParam().outer, packets::backend_one,
                         flow_hash(stage().seed(), whole), packets::director, packets::backend_one)
          : fragments_of(at_backend(whole, packets::backend_one, kLoweredBackendPort), 64, 1)[0];
  EXPECT_EQ(outcome.action, XDP_REDIRECT);
  EXPECT_TRUE(same_packet(outcome.frame, expected.frame()));
}

TEST_P(SteerMss, WithoutTheOptionStays) {
  serve_with(0);
  expect_at_backend(syn(9000), syn(9000));
}

TEST_P(SteerMss, OfASynWithoutTheTcpOptionIsNotAdded) {
  serve_with(88);
  const Packet bare = segment(tcp_syn, {});
  expect_at_backend(bare, bare);
  const Packet scaled = segment(tcp_syn, tcp_options({option_window_scale(7)}));
  expect_at_backend(scaled, scaled);
}

TEST_P(SteerMss, OfASignedOrMalformedSynStays) {
  serve_with(536);
  const Packet is_signed = segment(tcp_syn, tcp_options({option_mss(1460), option_md5()}));
  expect_at_backend(is_signed, is_signed);
  const Packet malformed = segment(tcp_syn, {2, 4, 5, 0xb4, 3, 9, 7, 0});
  expect_at_backend(malformed, malformed);
}

TEST_P(SteerMss, OnlyASynIsChanged) {
  serve_with(536);
  expect_at_backend(syn(1460), syn(536));
  const Packet ack = segment(tcp_ack, tcp_options({option_mss(1460)}));
  expect_at_backend(ack, ack);
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerMss, testing::ValuesIn(every_combination()),
                         combination_name);

class SteerMssOfReplies : public SteerMss {
 protected:
  [[nodiscard]] Packet syn_ack(const Packet& request, uint16_t mss) {
    const End to = mode() == Mode::nat ? End{packets::client, kClientPort}
                                       : End{packets::director, translated_port(request)};
    return Packet()
        .ethernet(packets::backend_one, packets::director)
        .ip(family(), packets::backend_one, to.host)
        .tcp({.source_port = kLoweredBackendPort,
              .destination_port = to.port,
              .seq = 100,
              .ack = 8,
              .flags = tcp_syn | tcp_ack,
              .options = tcp_options({option_nop(), option_mss(mss), option_window_scale(7)})});
  }
  void expect_at_client(const Packet& sent, const Packet& arrives) {
    const Outcome outcome = stage().steer(sent.frame(), Device::back);
    EXPECT_EQ(outcome.action, XDP_REDIRECT);
    const Packet expected =
        translated(arrives, {packets::service_one, kLoweredPort}, {packets::client, kClientPort},
                   director_front, packets::gateway);
    EXPECT_TRUE(same_packet(outcome.frame, expected.frame()));
  }
};

TEST_P(SteerMssOfReplies, ASynAckIsLoweredToTheOption) {
  serve_with(1200);
  const Packet request = syn(1460);
  expect_at_backend(request, syn(1200));
  expect_at_client(syn_ack(request, 1460), syn_ack(request, 1200));
  expect_at_client(syn_ack(request, 1000), syn_ack(request, 1000));
}

TEST_P(SteerMssOfReplies, WithAutoASynAckFitsThePath) {
  serve_with(SLUICE_MSS_AUTO);
  const Packet request = syn(1460);
  const uint16_t fits = fitting(kMtu);
  expect_at_backend(request, syn(fits));
  expect_at_client(syn_ack(request, 9000), syn_ack(request, fits));
}

// The path to the backend has changed since a packet was sent there, or another CPU sent it.
TEST_P(SteerMssOfReplies, WithAutoASynAckFitsThePathToTheBackendAsItIs) {
  serve_with(SLUICE_MSS_AUTO);
  const Packet request = syn(1460);
  stage().steer(request.frame());
  const Mtu narrow(1400, {"back"});
  expect_at_client(syn_ack(request, 1460), syn_ack(request, fitting(1400)));
}

TEST_P(SteerMssOfReplies, WithAutoASynAckFitsThePathToTheClient) {
  serve_with(SLUICE_MSS_AUTO);
  const Packet request = syn(1460);
  stage().steer(request.frame());
  const Mtu narrow(1400, {"front"});
  expect_at_client(syn_ack(request, 1460), syn_ack(request, fitting(1400)));
}

TEST_P(SteerMssOfReplies, WithAutoASynAckFitsThePathToAClientWithAnUnknownMac) {
  serve_with(SLUICE_MSS_AUTO);
  const Packet request = syn(1460);
  stage().steer(request.frame());
  const Mtu narrow(1400, {"front"});
  const GatewayUnknown unknown;
  const Outcome outcome = stage().steer(syn_ack(request, 1460).frame(), Device::back);
  expect_punted(outcome,
                translated(syn_ack(request, fitting(1400)), {packets::service_one, kLoweredPort},
                           {packets::client, kClientPort}, director_front, packets::gateway));
}

INSTANTIATE_TEST_SUITE_P(ModesWithReplies, SteerMssOfReplies,
                         testing::ValuesIn(combinations_with_replies()), combination_name);

}  // namespace
}  // namespace sluice::stage
