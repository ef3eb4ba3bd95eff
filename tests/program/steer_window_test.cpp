// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The receive-window ceiling in steer: the window of clients' segments is lowered in every mode,
// with a complete checksum and with one that the sender leaves to the hardware (CHECKSUM_PARTIAL).
#include "modes.h"
#include "sluice/pace.h"

namespace sluice::stage {
namespace {

using packets::Bytes;
using packets::option_md5;
using packets::option_mss;
using packets::option_nop;
using packets::option_timestamps;
using packets::option_window_scale;
using packets::same_packet;
using packets::Tcp;
using packets::tcp_ack;
using packets::tcp_options;
using packets::tcp_syn;

constexpr uint16_t kWindowedPort = 443;
constexpr uint16_t kWindowedBackendPort = 8443;  // mode nat: a backend's port has one service
constexpr uint32_t kClientIsn = 0xfffffff0;
constexpr uint32_t kServerIsn = 0xffffff00;
constexpr uint32_t kWindow = 256 * 1024;
constexpr uint16_t kLowered = 2048;  // kWindow >> 7

class SteerWindow : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    if (IsSkipped()) return;
    served_ = serve(patch(L4Proto::tcp, kWindowedPort), packets::backend_one, kWindowedBackendPort,
                    {.window_bytes = kWindow});
  }
  [[nodiscard]] Packet segment(Tcp tcp, const std::string& payload = {}) const {
    tcp.source_port = kClientPort;
    tcp.destination_port = kWindowedPort;
    Packet packet = from_client().tcp(std::move(tcp));
    return payload.empty() ? packet : packet.payload(payload);
  }
  [[nodiscard]] Packet syn(uint16_t window = 64240) const {
    return segment({.seq = kClientIsn,
                    .flags = tcp_syn,
                    .window = window,
                    .options = tcp_options({option_mss(1460), option_window_scale(7)})});
  }
  [[nodiscard]] Packet ack(uint16_t window, uint32_t acked = 0, Bytes options = {}) const {
    return segment({.seq = kClientIsn + 1,
                    .ack = kServerIsn + 1 + acked,
                    .window = window,
                    .options = std::move(options)});
  }
  static Packet with_window(Packet packet, uint16_t window) {
    packet.find<Tcp>()->window = window;
    return packet;
  }
  Packet at_windowed(const Packet& sent) {
    return at_backend(sent, packets::backend_one, kWindowedBackendPort);
  }
  Frame steered(const Packet& sent) {
    const Outcome outcome = stage().steer(sent.frame());
    EXPECT_EQ(outcome.action, XDP_REDIRECT);
    return outcome.frame;
  }
  void expect_window(const Packet& sent, uint16_t window) {
    const Frame frame = steered(sent);
    EXPECT_TRUE(same_packet(frame, at_windowed(with_window(sent, window)).frame()));
  }
  // The first ACK shows the scale: no SYN-ACK passes here.
  void open() {
    expect_window(syn(), 64240);
    expect_window(ack(502), 502);
  }
  [[nodiscard]] sluice_paced_flow flow() {
    const auto found = stage().paced_flows().find(flow_of(ack(0)));
    EXPECT_TRUE(found && *found);
    return found && *found ? **found : sluice_paced_flow{};
  }

  Served served_;
};

TEST_P(SteerWindow, IsLoweredToThePolicyOnTheFastPath) {
  open();
  expect_window(ack(8192, 60000), kLowered);
  expect_window(
      ack(8192, 120000, tcp_options({option_nop(), option_nop(), option_timestamps(1, 2)})),
      kLowered);
  EXPECT_EQ(flow().lowered, 2u);
  EXPECT_EQ(flow().client_window, 8192u << 7);
  EXPECT_EQ(flow().ceiling_bytes, kWindow);
  EXPECT_EQ(stage().flow_totals(served_.service.number).windows_lowered, 2u);
  EXPECT_EQ(stage().flow_totals(served_.service.number).begun, 1u);
}

TEST_P(SteerWindow, OfASegmentWithDataIsLowered) {
  open();
  for (const std::string& payload : {std::string("x"), std::string(1000, 'y')}) {
    Packet sent = ack(8192, 60000);
    expect_window(sent.payload(payload), kLowered);
  }
}

TEST_P(SteerWindow, IsKeptIfTheSynWasNotSeenOrSegmentsAreSigned) {
  if (mode() != Mode::snat) expect_window(ack(8192), 8192);  // snat drops an untracked one
  open();
  expect_window(ack(8192, 0, tcp_options({option_nop(), option_nop(), option_md5()})), 8192);
}

TEST_P(SteerWindow, ItsRightEdgeDoesNotRetreatWhenThePolicyShrinks) {
  open();
  expect_window(ack(8192, 60000), kLowered);
  stage().set_policy(served_.service, {.window_bytes = kWindow / 4});
  expect_window(ack(8192, 60000 + kWindow / 2), kLowered / 2);
  expect_window(ack(8192, 60000 + kWindow), kLowered / 4);
  stage().set_policy(served_.service, {.window_bytes = 2 * kWindow});
  expect_window(ack(8192, 60000 + kWindow), 2 * kLowered);
}

TEST_P(SteerWindow, AlwaysLeavesRoomForOneSegment) {
  stage().set_policy(served_.service, {.window_bytes = 1});
  expect_window(syn(), 1460);
  expect_window(ack(502), 12);
  expect_window(ack(502, 1460), 12);
  expect_window(ack(0, 1460), 0);  // a zero window of the client's own is kept
}

// Data up to the previous edge may be in flight already: only an ACK beyond it gives a round trip.
TEST_P(SteerWindow, IsTimedFromThePreviousRightEdge) {
  open();
  constexpr uint32_t first_edge = 502 << 7;  // from the server's first byte on
  expect_window(ack(8192, 60000), kLowered);
  EXPECT_EQ(flow().round_trip.mark, kServerIsn + 1 + first_edge);
  const uint64_t marked = flow().round_trip.marked_ns;
  expect_window(ack(8192, 60001), kLowered);
  expect_window(ack(8192, first_edge), kLowered);
  EXPECT_EQ(flow().round_trip.marked_ns, marked) << "an ACK of the edge is not beyond it";
  expect_window(ack(8192, first_edge + 1), kLowered);
  EXPECT_EQ(flow().round_trip.mark, kServerIsn + 1 + first_edge + kWindow);
  EXPECT_NE(flow().round_trip.marked_ns, marked);
}

TEST_P(SteerWindow, OfAServiceWithoutACeilingIsNotTracked) {
  const Packet sent = with_l4(from_client(), L4Proto::tcp, kClientPort, kServicePort, "");
  expect_reaches_backend(sent);
  EXPECT_EQ(stage().flow_totals(tcp_.service.number).begun, 0u);
}

TEST_P(SteerWindow, ClientRetransmissionsAreCounted) {
  open();
  Packet data = ack(502);
  data.payload("twice");
  steered(data);
  EXPECT_EQ(flow().client_retransmits, 0u);
  steered(data);
  EXPECT_EQ(flow().client_retransmits, 1u);
  EXPECT_EQ(stage().flow_totals(served_.service.number).client_retransmits, 1u);
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerWindow, testing::ValuesIn(every_combination()),
                         combination_name);

// The sum of the pseudo header, which an unfinished checksum field holds (CHECKSUM_PARTIAL).
uint16_t pseudo_sum(const Packet& packet) {
  Packet copy = packet;
  const Bytes l4 = packet.datagram();
  const size_t ip_bytes = copy.find<packets::Ipv4>() != nullptr ? 20 : 40;
  const size_t l4_bytes = l4.size() - ip_bytes;
  uint32_t sum = 6 + static_cast<uint32_t>(l4_bytes);
  const size_t from = ip_bytes == 20 ? 12 : 8;
  for (size_t i = from; i < ip_bytes; i += 2)
    sum += static_cast<uint32_t>(l4.at(i) << 8 | l4.at(i + 1));
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

class SteerUnfinishedChecksum : public SteerWindow {
 protected:
  static Packet unfinished(Packet packet) {
    packet.find<Tcp>()->checksum = pseudo_sum(packet);
    return packet;
  }
};

TEST_P(SteerUnfinishedChecksum, IsKept) {
  open();
  for (const std::string& payload : {std::string(), std::string("x"), std::string(700, 'y')}) {
    Packet sent = ack(8192, 60000);
    if (!payload.empty()) sent.payload(payload);
    const Packet partial = unfinished(sent);
    EXPECT_TRUE(same_packet(steered(partial), at_windowed(with_window(partial, kLowered)).frame()));
  }
}

// A complete checksum that equals the sum of the pseudo header.
TEST_P(SteerUnfinishedChecksum, ACompleteOneOfTheSameValueIsNotMistakenForIt) {
  open();
  Packet sent = ack(8192, 60000);
  sent.find<Tcp>()->urgent = 0;
  // The urgent pointer, which has no meaning without its flag, makes the checksum match.
  uint32_t found = 0;
  for (uint32_t urgent = 0; urgent <= 0xffff && found == 0; urgent++) {
    sent.find<Tcp>()->urgent = static_cast<uint16_t>(urgent);
    const Bytes bytes = sent.datagram();
    const size_t at = (sent.find<packets::Ipv4>() != nullptr ? 20 : 40) + 16;
    if ((bytes.at(at) << 8 | bytes.at(at + 1)) == pseudo_sum(sent)) found = 1;
  }
  ASSERT_EQ(found, 1u);
  expect_window(sent, kLowered);
}

std::vector<Combination> combinations_without_translation() {
  std::vector<Combination> combinations;
  for (const Combination& combination : every_combination()) {
    if (combination.mode != Mode::nat && combination.mode != Mode::snat)
      combinations.push_back(combination);
  }
  return combinations;
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerUnfinishedChecksum,
                         testing::ValuesIn(combinations_without_translation()), combination_name);

class SteerWindowReplies : public SteerWindow {
 protected:
  End peer_of_windowed() {
    if (mode() == Mode::nat) return {packets::client, kClientPort};
    return {packets::director, translated_port(syn())};
  }
  [[nodiscard]] Packet from_backend(const End& peer, Tcp tcp) const {
    tcp.source_port = kWindowedBackendPort;
    tcp.destination_port = peer.port;
    return Packet()
        .ethernet(packets::backend_one, packets::director)
        .ip(family(), packets::backend_one, peer.host)
        .tcp(std::move(tcp));
  }
};

TEST_P(SteerWindowReplies, RepliesGiveTheServersScaleAndTheRoundTrip) {
  steered(syn());
  const End peer = peer_of_windowed();
  stage().steer(
      from_backend(peer, {.seq = kServerIsn,
                          .ack = kClientIsn + 1,
                          .flags = tcp_syn | tcp_ack,
                          .options = tcp_options({option_mss(1460), option_window_scale(9)})})
          .frame(),
      Device::back);
  steered(ack(64240));  // a window that fits without the scale; only the SYN-ACK proves it
  EXPECT_NE(flow().flags & SLUICE_PACED_SERVER_SYN, 0);
  EXPECT_NE(flow().flags & SLUICE_PACED_SCALED, 0);
  EXPECT_EQ(flow().server_scale, 9);
  EXPECT_GT(flow().round_trip.handshake_us, 0u);
  Packet data = from_backend(peer, {.seq = kServerIsn + 1, .ack = kClientIsn + 1, .window = 100});
  data.payload("data");
  for (int i = 0; i < 2; i++) stage().steer(data.frame(), Device::back);
  EXPECT_EQ(flow().server_retransmits, 1u);
  EXPECT_EQ(flow().server_window, 100u << 9);
  EXPECT_EQ(flow().packets, 3u);
}

INSTANTIATE_TEST_SUITE_P(EveryModeWithReplies, SteerWindowReplies,
                         testing::ValuesIn(combinations_with_replies()), combination_name);

}  // namespace
}  // namespace sluice::stage
