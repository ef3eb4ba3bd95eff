// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Output devices: steer sends directly to devices that it is attached to and punts packets for
// others. Packets may fill the device's MTU, also when they span several buffers.
#include <linux/pkt_cls.h>

#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::Bytes;
using packets::director;
using packets::Ethernet;
using packets::same_packet;

class SteerDevices : public ModeTest {
 protected:
  // A punted packet: its MACs name no neighbour; in mode l2 the destination MAC has the backend.
  [[nodiscard]] Packet marked(Packet packet, uint8_t backend = 0) const {
    auto* ethernet = packet.find<Ethernet>();
    ethernet->source = punt_sent.mac;
    ethernet->destination = {0, 0, backend, 0, 0, 0};
    return packet;
  }
  [[nodiscard]] uint8_t mac_backend(const Backend& backend) const {
    return mode() == Mode::l2 ? static_cast<uint8_t>(backend.number) : uint8_t{0};
  }
};

class SteerDevicesReplies : public SteerDevices {};

TEST_P(SteerDevices, PacketsForADeviceWithoutSteerArePunted) {
  stage().detach(Device::back);
  for (uint64_t i = 1; i <= 3; i++) {
    const Packet sent = request(L4Proto::tcp);
    const Outcome outcome = stage().steer(sent.frame());
    EXPECT_EQ(outcome.action, XDP_PASS);
    EXPECT_TRUE(
        same_packet(outcome.frame, marked(at_backend(sent), mac_backend(tcp_.backend)).frame()));
    EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"other_device", i}}));
    EXPECT_EQ(stage().traffic(tcp_.backend).packets, i);
    EXPECT_EQ(stage().punt(outcome.frame).action, TC_ACT_REDIRECT);
  }
  EXPECT_EQ(stage().verdicts(0), (Verdicts{{"punt_sent", 3}}));
}

// A rate limits replies; packets from clients need no tc.
TEST_P(SteerDevices, ClientPacketsToAPacedServiceTakeTheFastPath) {
  const Served paced = serve(patch(L4Proto::tcp, 443), backend_one, kBackendPort,
                             {.flow_rate_bytes_per_sec = 1000000, .window_bytes = 65536});
  const Packet sent = with_l4(from_client(), L4Proto::tcp, kClientPort, 443, "question");
  for (uint64_t i = 1; i <= 3; i++) {
    const Outcome outcome = stage().steer(sent.frame());
    EXPECT_EQ(outcome.action, XDP_REDIRECT);
    EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent).frame()));
    EXPECT_EQ(stage().traffic(paced.backend).packets, i);
  }
}

// The cached next hop still names the detached device.
TEST_P(SteerDevices, DetachingADeviceUnderTrafficLosesNoPacket) {
  const Packet sent = request(L4Proto::tcp);
  const Packet tagged =
      with_l4(from_client({0x8100}), L4Proto::tcp, kClientPort, kServicePort, "question");
  expect_reaches_backend(sent);
  stage().detach(Device::back);
  for (const Packet* packet : {&sent, &tagged}) {
    const Outcome outcome = stage().steer(packet->frame());
    EXPECT_EQ(outcome.action, XDP_PASS);
    EXPECT_TRUE(
        same_packet(outcome.frame, marked(at_backend(*packet), mac_backend(tcp_.backend)).frame()));
  }
  EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"other_device", 2}}));
  EXPECT_EQ(stage().traffic(tcp_.backend).packets, 3u);
}

TEST_P(SteerDevices, PacketsLeaveByTheDeviceTheyCameByWithoutTheOther) {
  stage().detach(Device::back);
  const Packet sent = request(L4Proto::tcp);
  const Outcome outcome = stage().steer(sent.frame(), Device::back);
  EXPECT_EQ(outcome.action, XDP_TX);
  EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent).frame()));
}

TEST_P(SteerDevicesReplies, RepliesForADeviceWithoutSteerArePunted) {
  const uint64_t before = stage().counted();
  stage().steer(request(L4Proto::tcp).frame());
  stage().detach(Device::front);
  const Packet answer = reply(L4Proto::tcp);
  const Outcome outcome = stage().steer(answer.frame(), Device::back);
  EXPECT_EQ(outcome.action, XDP_PASS);
  EXPECT_TRUE(same_packet(outcome.frame, marked(at_client(answer)).frame()));
  EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"other_device", 1}}));
  EXPECT_EQ(stage().counted(), before + 2);
  EXPECT_EQ(stage().punt(outcome.frame, Device::back).action, TC_ACT_REDIRECT);
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerDevices, testing::ValuesIn(every_combination()),
                         combination_name);
INSTANTIATE_TEST_SUITE_P(EveryModeWithReplies, SteerDevicesReplies,
                         testing::ValuesIn(combinations_with_replies()), combination_name);

constexpr size_t kJumboMtu = 9000;

// Frames longer than a page span several buffers, of which a program sees the first.
class SteerJumboFrames : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    if (IsSkipped()) return;
    mtu_.emplace(kJumboMtu);
    if (stage().steer(request(L4Proto::udp, std::string(8000, 'x')).frame()).action < 0)
      GTEST_SKIP() << "this kernel's test runs take no frame of more than one page (before 5.18)";
    before_ = stage().traffic(udp_.backend).packets;
  }
  void TearDown() override { mtu_.reset(); }
  [[nodiscard]] size_t fits() const {
    return kJumboMtu - (GetParam().outer ? GetParam().outer->bytes() : 0);
  }
  [[nodiscard]] Packet of_bytes(size_t bytes, L4Proto l4_proto = L4Proto::tcp) const {
    return request(l4_proto, std::string(bytes - request(l4_proto, "").datagram().size(), 'x'));
  }

  std::optional<Mtu> mtu_;
  uint64_t before_ = 0;
};

class SteerJumboFramesReplies : public SteerJumboFrames {};

TEST_P(SteerJumboFrames, AreSteeredLikeShortFrames) {
  for (const size_t bytes : {size_t{3000}, size_t{4096}, size_t{5001}, fits()}) {
    for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
      expect_reaches_backend(of_bytes(bytes, l4_proto));
    }
  }
  EXPECT_EQ(stage().traffic(udp_.backend).packets, before_ + 4);
}

TEST_P(SteerJumboFrames, WithTagsAreSteeredByTheSlowPath) {
  expect_reaches_backend(with_l4(from_client({0x88a8, 0x8100}), L4Proto::tcp, kClientPort,
                                 kServicePort, std::string(8000, 'x')));
}

TEST_P(SteerJumboFrames, BeyondTheMtuAreReported) {
  const Packet sent = of_bytes(fits() + 1);
  const Outcome outcome = stage().steer(sent.frame());
  EXPECT_EQ(outcome.action, XDP_TX);
  const size_t ip_bytes = family() == Family::v4 ? 20 : 40;
  EXPECT_EQ(outcome.frame.size(), 14 + ip_bytes + 8 + 512);
  EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"too_big_reported", 1}}));
  const Bytes datagram = sent.datagram();
  const Bytes quoted(outcome.frame.bytes.begin() + static_cast<std::ptrdiff_t>(14 + ip_bytes + 8),
                     outcome.frame.bytes.end());
  EXPECT_EQ(quoted, Bytes(datagram.begin(), datagram.begin() + 512));
}

TEST_P(SteerJumboFrames, ShorterThanTheirIpLengthPass) {
  Frame sent = of_bytes(8000).frame();
  sent.bytes.pop_back();
  expect_passes(sent, "malformed");
}

TEST_P(SteerJumboFrames, AreDecapsulated) {
  if (!GetParam().outer) return;
  const Packet sent = of_bytes(8000);
  const Frame steered = stage().steer(sent.frame()).frame;
  EXPECT_TRUE(
      same_packet(stage().decap(steered).frame, forwarded(sent, director, backend_one).frame()));
}

TEST_P(SteerJumboFramesReplies, RepliesAreTranslated) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    stage().steer(request(l4_proto).frame());
    const Packet answer = reply(l4_proto, std::string(8000, 'y'));
    const Outcome outcome = stage().steer(answer.frame(), Device::back);
    EXPECT_EQ(outcome.action, XDP_REDIRECT);
    EXPECT_TRUE(same_packet(outcome.frame, at_client(answer).frame()));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerJumboFrames, testing::ValuesIn(every_combination()),
                         combination_name);
INSTANTIATE_TEST_SUITE_P(EveryModeWithReplies, SteerJumboFramesReplies,
                         testing::ValuesIn(combinations_with_replies()), combination_name);

}  // namespace
}  // namespace sluice::stage
