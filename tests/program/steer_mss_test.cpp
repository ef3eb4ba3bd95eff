// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The service option mss in steer: in SYNs to backends in every mode, and in SYN-ACKs of backends
// in the modes whose replies pass here. The checksum of every expected packet is complete and
// valid.
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
  void serve_with(uint16_t mss) {
    Service service = patch(L4Proto::tcp, kLoweredPort);
    service.mss = mss;
    served_ = serve(service, packets::backend_one, kLoweredBackendPort);
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

INSTANTIATE_TEST_SUITE_P(ModesWithReplies, SteerMssOfReplies,
                         testing::ValuesIn(combinations_with_replies()), combination_name);

}  // namespace
}  // namespace sluice::stage
