// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// pace: the receive-window ceiling. Departure times: pace_departure_test.cpp.
#include "pace_fixture.h"

namespace sluice::packets {
namespace {

class PaceWindow : public PaceFixture {};

TEST_P(PaceWindow, AnAckIsLoweredToThePolicyInUnitsOfTheScale) {
  handshake(scaling, scaling);
  expect_window(ack(65535), 2048);  // 256 KiB >> 7
  EXPECT_EQ(count(web, SLUICE_VERDICT_WINDOW_LOWERED), 1);
  EXPECT_EQ(pace_->verdict(web, SLUICE_VERDICT_WINDOW_LOWERED).bytes, ack(0).size());
  set_window(256 * 1024 + 1);
  expect_window(ack(65535), 2049);  // rounded up
  EXPECT_EQ(flow()->lowered, 2);
  EXPECT_EQ(flow()->client_scale, scale);
}

TEST_P(PaceWindow, AWindowBelowThePolicyIsNeverRaised) {
  handshake(scaling, scaling);
  for (const uint16_t window : std::initializer_list<uint16_t>{2048, 2047, 1, 0})
    expect_window(ack(window), window);
  EXPECT_EQ(count(web, SLUICE_VERDICT_WINDOW_LOWERED), 0);
  EXPECT_EQ(flow()->lowered, 0);
}

TEST_P(PaceWindow, AConnectionWithoutASeenSynIsNotChanged) {
  expect_untouched(ack(65535));
  expect_untouched(syn_ack(scaling));
  expect_untouched(ack(65535));
}

TEST_P(PaceWindow, WithAServerThatDoesNotScaleTheWindowIsInBytes) {
  set_window(20000);
  handshake(scaling, without_scaling);
  expect_window(ack(65535), 20000);
}

TEST_P(PaceWindow, AClientThatDoesNotScaleNeedsNoSynAck) {
  set_window(20000);
  pass_in(syn(without_scaling));
  expect_window(ack(65535), 20000);
}

TEST_P(PaceWindow, AScaleAboveFourteenCountsAsFourteen) {
  set_window(1 << 20);
  const Bytes options = tcp_options({option_mss(1460), option_window_scale(200)});
  handshake(options, scaling);
  expect_window(ack(65535), 64);
}

TEST_P(PaceWindow, TheWindowOfASynIsLoweredUnscaled) {
  set_window(20000);
  expect_window(syn(scaling), 20000);
  set_window(1 << 20);
  expect_window(syn(scaling), 65535);
}

TEST_P(PaceWindow, ThereIsAlwaysRoomForOneSegment) {
  set_window(100);
  handshake(scaling, scaling);
  expect_window(ack(65535), 12);  // 1460 bytes, rounded up to 128
  expect_window(ack(65535, 100), 12);
}

TEST_P(PaceWindow, TheRightEdgeNeverRetreats) {
  handshake(scaling, scaling);
  expect_window(ack(65535), 2048);
  set_window(64 * 1024);  // a quarter, while 256 KiB are allowed
  expect_window(ack(65535, 0), 2048);
  expect_window(ack(65535, 128 * 1024), 1024);
  expect_window(ack(65535, 192 * 1024), 512);
  expect_window(ack(65535, 256 * 1024), 512);
  expect_window(ack(65535, 128 * 1024), 1536);  // late: the edge allowed since stands
  expect_window(ack(100, 256 * 1024), 100);     // the client itself may retreat
}

TEST_P(PaceWindow, TheEdgeOfTheSynStandsWhenThePolicyChangesBeforeTheFirstAck) {
  handshake(scaling, scaling);
  set_window(20000);
  expect_window(ack(65535), 512);  // 65535 bytes
  expect_window(ack(65535, 60000), 157);
}

TEST_P(PaceWindow, AnAckPastTheRightEdgeRestartsIt) {
  handshake(scaling, scaling);
  expect_window(ack(65535), 2048);
  // Allowed elsewhere: a part of the connection took another path.
  expect_window(ack(8192, 1 << 20), 8192);
  expect_window(ack(8192, 2 << 20), 2048);
}

TEST_P(PaceWindow, ALatePolicyKeepsTheRightEdge) {
  set_window(0);
  handshake(scaling, scaling);
  expect_window(ack(8192), 8192);  // 1 MiB
  EXPECT_EQ(count(web, SLUICE_VERDICT_WINDOW_LOWERED), 0);
  set_window(256 * 1024);
  expect_window(ack(8192, 512 * 1024), 4096);
  expect_window(ack(8192, 768 * 1024), 2048);
}

TEST_P(PaceWindow, SignedSegmentsAreNeverChanged) {
  for (const Bytes& option : {option_md5(), option_ao()}) {
    const Bytes options = tcp_options({option_mss(1460), option_window_scale(7), option});
    set_window(20000);
    expect_untouched(syn(options));
    expect_untouched(syn_ack(options));
    expect_untouched(ack(65535));
  }
}

TEST_P(PaceWindow, ASegmentThatBecomesSignedInMidConnectionIsNotChanged) {
  handshake(scaling, scaling);
  expect_window(ack(65535), 2048);
  Packet packet = ack(65535);
  packet.find<Tcp>()->options = tcp_options({option_nop(), option_nop(), option_md5()});
  expect_untouched(packet);
}

TEST_P(PaceWindow, MalformedOptionsAreIgnored) {
  expect_untouched(syn({2, 4, 5, 0xb4, 3, 9, 7, 0}));
  expect_untouched(syn({3, 0, 0, 0}));
  expect_untouched(ack(65535));
}

// --- where only the client's direction passes (direct server return, a translation) ----------

TEST_P(PaceWindow, AFirstAckThatMustBeScaledShowsTheScale) {
  set_window(32 * 1024);
  pass_in(syn(scaling, 64240));
  expect_window(ack(502), 256);
}

TEST_P(PaceWindow, AnAmbiguousFirstAckIsNotChanged) {
  set_window(32 * 1024);
  pass_in(syn(scaling, 64240));
  expect_untouched(ack(64240));
  expect_untouched(ack(60000, 10000));
}

TEST_P(PaceWindow, PacketsSeenAtBothHooksAreHandledOnce) {
  for (const Packet& packet : {syn(scaling, 64240), ack(502), ack(65535, 1000)}) {
    const Frame once = pass_in(packet);
    EXPECT_TRUE(same_packet(pass_out(Packet::parse(once)), once));
  }
  expect_window(ack(65535, 60000), 2048);
}

// --- beginning and end of a flow --------------------------------------------------------------

TEST_P(PaceWindow, ADifferentSynRestartsTheFlowButARepeatedOneDoesNot) {
  handshake(scaling, scaling);
  expect_window(ack(65535), 2048);
  pass_in(syn(scaling));
  expect_window(ack(65535), 2048);
  Packet other = syn(without_scaling);
  other.find<Tcp>()->seq = 12345;
  pass_in(other);
  expect_untouched(ack(65535));  // of the earlier connection
  EXPECT_EQ(flow()->client_isn, 12345);
}

TEST_P(PaceWindow, ASynAckToAnotherSynIsIgnored) {
  pass_in(syn(scaling));
  Packet forged = syn_ack(without_scaling);
  forged.find<Tcp>()->ack = 1;
  pass_out(forged);
  EXPECT_EQ(flow()->flags & SLUICE_PACED_SERVER_SYN, 0);
}

TEST_P(PaceWindow, AFlowIsRemovedAfterItsLastAck) {
  handshake(scaling, scaling);
  pass_in(ack(65535));
  pass_in(to_service({.seq = client_isn + 1, .flags = tcp_fin | tcp_ack}));
  ASSERT_TRUE(flow());
  pass_out(to_client({.flags = tcp_fin | tcp_ack}));
  ASSERT_TRUE(flow());
  pass_in(to_service({.seq = client_isn + 2}));
  EXPECT_FALSE(flow());
}

TEST_P(PaceWindow, AServicesResetRemovesTheFlowButAClientsDoesNot) {
  handshake(scaling, scaling);
  expect_untouched(to_service({.seq = 99, .flags = tcp_rst, .window = 65535}));
  EXPECT_TRUE(flow());
  pass_out(to_client({.flags = tcp_rst}));
  EXPECT_FALSE(flow());
}

INSTANTIATE_TEST_SUITE_P(Families, PaceWindow, testing::ValuesIn(both_families),
                         [](const auto& family) { return std::string(family_text(family.param)); });

}  // namespace
}  // namespace sluice::packets
