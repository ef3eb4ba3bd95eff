// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// pace, packet in, whole packet out: classification, and the receive-window ceiling. Every case
// runs in both families. Departure times: pace_departure_test.cpp.
#include <linux/pkt_cls.h>
#include <unistd.h>

#include "pace_instance.h"

namespace sluice::packets {
namespace {

constexpr uint32_t web = 1;
constexpr uint16_t client_port = 40000;
constexpr uint16_t web_port = 80;
constexpr uint8_t scale = 7;
constexpr uint32_t client_isn = 0xfffffff0;  // sequence numbers wrap in every case
constexpr uint32_t server_isn = 0xffffff00;

const Bytes scaling =
    tcp_options({option_mss(1460), option_sack_permitted(), option_nop(), option_window_scale(7)});
const Bytes without_scaling = tcp_options({option_mss(1460)});
const Bytes timestamps = tcp_options({option_nop(), option_nop(), option_timestamps(100, 200)});

class Pace : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "loading programs needs root";
    pace_.emplace();
    pace_->add_endpoint(service_one.endpoint(GetParam(), web_port, 6), web);
    pace_->add_endpoint(service_one.endpoint(GetParam(), web_port, 17), web);
    set_window(256 * 1024);
  }

  void set_window(uint32_t window_bytes) { pace_->set_policy(web, 0, window_bytes); }

  [[nodiscard]] Packet to_service(Tcp tcp) const {
    return begin_to_service(Packet().ethernet(client, director), std::move(tcp));
  }
  [[nodiscard]] Packet begin_to_service(Packet begun, Tcp tcp) const {
    tcp.source_port = client_port;
    tcp.destination_port = web_port;
    return begun.ip(GetParam(), client, service_one).tcp(std::move(tcp));
  }
  [[nodiscard]] Packet to_client(Tcp tcp) const {
    tcp.source_port = web_port;
    tcp.destination_port = client_port;
    return Packet()
        .ethernet(director, client)
        .ip(GetParam(), service_one, client)
        .tcp(std::move(tcp));
  }
  [[nodiscard]] Packet syn(const Bytes& options, uint16_t window = 65535) const {
    return to_service({.seq = client_isn, .flags = tcp_syn, .window = window, .options = options});
  }
  [[nodiscard]] Packet syn_ack(const Bytes& options) const {
    return to_client(
        {.seq = server_isn, .ack = client_isn + 1, .flags = tcp_syn | tcp_ack, .options = options});
  }
  // An ACK in mid-connection that acknowledges so many bytes.
  [[nodiscard]] Packet ack(uint16_t window, uint32_t acked = 0) const {
    return to_service({.seq = client_isn + 1, .ack = server_isn + 1 + acked, .window = window});
  }

  Frame pass(PaceHook hook, const Packet& packet) {
    const PaceOutcome outcome = pace_->run(hook, packet.frame());
    EXPECT_EQ(outcome.action, TC_ACT_UNSPEC);
    return outcome.frame;
  }
  Frame pass_in(const Packet& packet) { return pass(PaceHook::ingress, packet); }
  Frame pass_out(const Packet& packet) { return pass(PaceHook::egress, packet); }

  void handshake(const Bytes& client_options, const Bytes& server_options) {
    pass_in(syn(client_options));
    pass_out(syn_ack(server_options));
  }

  void expect_untouched(const Packet& packet) { expect_untouched(packet.frame()); }
  void expect_untouched(const Frame& frame) {
    for (const PaceHook hook : pace_hooks) {
      const PaceOutcome outcome = pace_->run(hook, frame);
      EXPECT_EQ(outcome.action, TC_ACT_UNSPEC);
      EXPECT_TRUE(same_packet(outcome.frame, frame));
    }
  }
  // The same packet with another window, and a checksum to match.
  static Frame with_window(const Packet& packet, uint16_t window) {
    Packet changed = packet;
    changed.find<Tcp>()->window = window;
    return changed.frame();
  }
  void expect_window(const Packet& packet, uint16_t window) {
    EXPECT_TRUE(same_packet(pass_in(packet), with_window(packet, window)));
  }

  [[nodiscard]] uint64_t count(uint32_t service, sluice_verdict verdict) const {
    return pace_->verdict(service, verdict).packets;
  }
  [[nodiscard]] std::optional<sluice_paced_flow> flow() const {
    return pace_->flow(flow_key(client, service_one, GetParam(), client_port, web_port, 6));
  }

  std::optional<PaceInstance> pace_;
};

// --- classification -------------------------------------------------------------------------

TEST_P(Pace, APacketOfNoServicePassesUnchanged) {
  const auto begin = [&] { return Packet().ethernet(client, director); };
  const auto ip = [&] { return begin().ip(GetParam(), client, stranger); };
  const std::vector<Packet> packets{
      ip().tcp({.source_port = client_port, .destination_port = web_port, .window = 65535}),
      ip().udp({.source_port = 53, .destination_port = 53}).payload("x"),
      ip().icmp({.type = 8}),
      begin().ip(GetParam(), client, service_one).tcp({.destination_port = web_port + 1}),
      begin().add(Ethernet{.ethertype = 0x0806}).payload(std::string(28, 'a')),
      begin().add(Bytes(46)),
  };
  for (const Packet& packet : packets) expect_untouched(packet);
  EXPECT_EQ(count(0, SLUICE_VERDICT_UNPACED), packets.size() * pace_hooks.size());
  EXPECT_EQ(pace_->verdicts_of_all_services(), packets.size() * pace_hooks.size());
}

TEST_P(Pace, PacketsOfAServiceWithoutPolicyPassUnchangedAndLeaveNoEntry) {
  pace_->add_endpoint(service_one.endpoint(GetParam(), web_port, 6), 2);
  expect_untouched(syn(scaling));
  expect_untouched(syn_ack(scaling));
  expect_untouched(ack(65535));
  EXPECT_EQ(count(2, SLUICE_VERDICT_UNPACED), 9);
  EXPECT_FALSE(flow());
}

TEST_P(Pace, ABackendsEndpointBelongsToItsService) {
  pace_->add_endpoint(backend_one.endpoint(GetParam(), 8080, 6), web);
  const auto towards = [&](Tcp tcp) {
    tcp.source_port = 1024;
    tcp.destination_port = 8080;
    return Packet().ethernet(director, backend_one).ip(GetParam(), director, backend_one).tcp(tcp);
  };
  pass_out(towards({.seq = 1, .flags = tcp_syn, .options = without_scaling}));
  set_window(20000);
  const Packet packet = towards({.seq = 2, .ack = 5});
  // Its SYN allowed 65535 bytes, which stand until they are acknowledged.
  EXPECT_TRUE(same_packet(pass_out(packet), packet.frame()));
  const Packet later = towards({.seq = 2, .ack = 5 + 60000});
  EXPECT_TRUE(same_packet(pass_out(later), with_window(later, 20000)));
}

TEST_P(Pace, AnAckIsFoundBehindTagsOptionsAndTunnels) {
  const Family family = GetParam();
  const Family other = family == Family::v4 ? Family::v6 : Family::v4;
  const auto tunnel = [](Family outer) {
    return Packet().ethernet(director, backend_one).ip(outer, director, backend_one);
  };
  std::vector<Packet> packets{
      begin_to_service(Packet().ethernet(client, director).vlan(5), {}),
      begin_to_service(Packet().ethernet(client, director).vlan(5, 0x88a8).vlan(7), {}),
      begin_to_service(tunnel(family), {}),
      begin_to_service(tunnel(other), {}),
      begin_to_service(tunnel(Family::v6).add(Ipv6Extension{.body = Bytes(6)}), {}),
      ack(0),
  };
  packets.back().find<Tcp>()->options = timestamps;
  packets.push_back(ack(0).payload("data with it"));
  Packet options = ack(0);
  if (auto* ip = options.find<Ipv4>()) ip->options = Bytes(40, 1);
  packets.push_back(options);
  if (family == Family::v6) {
    Packet extended = Packet().ethernet(client, director).ip(family, client, service_one);
    extended.add(Ipv6Extension{.kind = ipv6_hop_by_hop})
        .add(Ipv6Extension{.kind = ipv6_routing, .body = Bytes(22)})
        .add(Ipv6Extension{.kind = ipv6_destination, .body = Bytes(6)})
        .add(ipv6_fragment_header(0, false, 1))  // nevertheless whole
        .add(Ipv6Extension{.kind = ipv6_destination})
        .add(Ipv6Extension{.kind = ipv6_destination})
        .tcp(*ack(0).find<Tcp>());
    packets.push_back(extended);
  }
  handshake(scaling, scaling);
  pass_in(ack(65535));
  for (Packet& packet : packets) {
    Tcp& tcp = *packet.find<Tcp>();
    tcp.source_port = client_port;
    tcp.destination_port = web_port;
    tcp.seq = client_isn + 1;
    tcp.ack = server_isn + 1;
    tcp.window = 65535;
    expect_window(packet, 2048);
    EXPECT_TRUE(same_packet(pass_out(packet), with_window(packet, 2048)));
  }
}

TEST_P(Pace, FragmentsAndDeepHeadersPassUnchanged) {
  handshake(scaling, scaling);
  pass_in(ack(65535));
  const Tcp tcp = *ack(65535).find<Tcp>();
  const auto ethernet = [] { return Packet().ethernet(client, director); };
  const auto tunnel = [&] { return ethernet().ip(Family::v4, director, backend_one); };
  std::vector<Packet> packets{
      ethernet().vlan(1).vlan(2).vlan(3).ip(GetParam(), client, service_one).tcp(tcp),
      tunnel().ip(Family::v4, director, backend_one).ip(GetParam(), client, service_one).tcp(tcp),
  };
  if (GetParam() == Family::v4) {
    const Ipv4 ip{.source = client.v4, .destination = service_one.v4};
    Ipv4 first = ip;
    first.fragment = ipv4_more_fragments;
    Ipv4 later = ip;
    later.fragment = 185;
    later.protocol = 6;
    packets.push_back(ethernet().add(first).tcp(tcp));
    packets.push_back(ethernet().add(later).add(Packet().tcp(tcp).bytes()));
  } else {
    const auto ip = [&] { return ethernet().ip(Family::v6, client, service_one); };
    packets.push_back(ip().add(ipv6_fragment_header(0, true, 1)).tcp(tcp));
    Ipv6Extension later = ipv6_fragment_header(185, false, 1);
    later.next_header = 6;
    packets.push_back(ip().add(later).add(Packet().tcp(tcp).bytes()));
    Packet deep = ip();
    for (int i = 0; i < 7; i++) deep.add(Ipv6Extension{});
    packets.push_back(deep.tcp(tcp));
  }
  for (const Packet& packet : packets) expect_untouched(packet);
  EXPECT_EQ(count(0, SLUICE_VERDICT_UNPACED), packets.size() * pace_hooks.size());
}

TEST_P(Pace, ATruncatedPacketPassesUnchanged) {
  handshake(scaling, scaling);
  pass_in(ack(65535));
  Packet full = ack(65535);
  full.find<Tcp>()->options = tcp_options({option_nop(), option_nop(), option_sack_permitted()});
  // BPF_PROG_TEST_RUN requires a link and a network header.
  const size_t least = GetParam() == Family::v4 ? 14 + 20 : 14 + 40;
  for (const Packet& packet : {syn(scaling), full, syn_ack(scaling)}) {
    for (size_t length = least; length < packet.size(); length++) {
      SCOPED_TRACE(length);
      expect_untouched(packet.frame().truncated(length));
    }
    // In a tunnel with a correct outer length: the inner headers are truncated.
    const Bytes inner = packet.datagram();
    for (size_t length = 0; length < inner.size(); length++) {
      SCOPED_TRACE(length);
      Packet tunnel = Packet().ethernet(director, backend_one);
      tunnel.add(Ipv4{.source = director.v4,
                      .destination = backend_one.v4,
                      .protocol = GetParam() == Family::v4 ? uint8_t{4} : uint8_t{41}});
      tunnel.add(Bytes(inner.begin(), inner.begin() + static_cast<ptrdiff_t>(length)));
      expect_untouched(tunnel.frame());
    }
    // Truncated behind the IP header, whose length is correct.
    Packet whole = packet;
    const Bytes segment = Packet().add(*whole.find<Tcp>()).bytes();
    for (size_t length = 0; length < segment.size(); length++) {
      SCOPED_TRACE(length);
      Packet cut = Packet().ethernet(client, director).ip(GetParam(), client, service_one);
      if (auto* ip = cut.find<Ipv4>()) ip->protocol = 6;
      if (auto* ip = cut.find<Ipv6>()) ip->next_header = 6;
      cut.add(Bytes(segment.begin(), segment.begin() + static_cast<ptrdiff_t>(length)));
      expect_untouched(cut.frame());
    }
  }
  expect_window(full, 2048);  // the whole packet is changed
}

TEST_P(Pace, ContradictingLengthsPassUnchanged) {
  handshake(scaling, scaling);
  pass_in(ack(65535));
  std::vector<Packet> packets;
  const auto add = [&](auto change) {
    packets.push_back(ack(65535));
    change(packets.back());
  };
  add([](Packet& packet) { packet.find<Tcp>()->data_offset = 4; });
  add([](Packet& packet) { packet.find<Tcp>()->data_offset = 0; });
  add([](Packet& packet) { packet.find<Tcp>()->data_offset = 6; });
  if (GetParam() == Family::v4) {
    add([](Packet& packet) { packet.find<Ipv4>()->total_length = 41; });
    add([](Packet& packet) { packet.find<Ipv4>()->total_length = 39; });
    add([](Packet& packet) { packet.find<Ipv4>()->total_length = 19; });
    add([](Packet& packet) { packet.find<Ipv4>()->total_length = 0; });
    add([](Packet& packet) { packet.find<Ipv4>()->version_ihl = 0x44; });
    add([](Packet& packet) { packet.find<Ipv4>()->version_ihl = 0x4f; });
    add([](Packet& packet) { packet.find<Ipv4>()->version_ihl = 0x65; });
  } else {
    add([](Packet& packet) { packet.find<Ipv6>()->payload_length = 21; });
    add([](Packet& packet) { packet.find<Ipv6>()->payload_length = 19; });
    add([](Packet& packet) { packet.find<Ipv6>()->payload_length = 0; });
    add([](Packet& packet) { packet.find<Ipv6>()->version = 4; });
  }
  for (const Packet& packet : packets) expect_untouched(packet);
}

TEST_P(Pace, BytesBehindThePacketAreIgnored) {
  handshake(scaling, scaling);
  pass_in(ack(65535));
  // A short Ethernet frame is padded with arbitrary bytes.
  Frame frame = ack(65535).frame();
  Frame expected = with_window(ack(65535), 2048);
  for (Frame* padded : {&frame, &expected}) padded->bytes.resize(padded->size() + 20, 0xff);
  EXPECT_TRUE(same_packet(pace_->run(PaceHook::ingress, frame).frame, expected));
}

// --- the ceiling ----------------------------------------------------------------------------

TEST_P(Pace, AnAckIsLoweredToThePolicyInUnitsOfTheScale) {
  handshake(scaling, scaling);
  expect_window(ack(65535), 2048);  // 256 KiB >> 7
  EXPECT_EQ(count(web, SLUICE_VERDICT_WINDOW_LOWERED), 1);
  EXPECT_EQ(pace_->verdict(web, SLUICE_VERDICT_WINDOW_LOWERED).bytes, ack(0).size());
  set_window(256 * 1024 + 1);
  expect_window(ack(65535), 2049);  // rounded up
  EXPECT_EQ(flow()->lowered, 2);
  EXPECT_EQ(flow()->client_scale, scale);
}

TEST_P(Pace, AWindowBelowThePolicyIsNeverRaised) {
  handshake(scaling, scaling);
  for (const uint16_t window : std::initializer_list<uint16_t>{2048, 2047, 1, 0})
    expect_window(ack(window), window);
  EXPECT_EQ(count(web, SLUICE_VERDICT_WINDOW_LOWERED), 0);
  EXPECT_EQ(flow()->lowered, 0);
}

TEST_P(Pace, AConnectionWithoutASeenSynIsNotChanged) {
  expect_untouched(ack(65535));
  expect_untouched(syn_ack(scaling));
  expect_untouched(ack(65535));
}

TEST_P(Pace, WithAServerThatDoesNotScaleTheWindowIsInBytes) {
  set_window(20000);
  handshake(scaling, without_scaling);
  expect_window(ack(65535), 20000);
}

TEST_P(Pace, AClientThatDoesNotScaleNeedsNoSynAck) {
  set_window(20000);
  pass_in(syn(without_scaling));
  expect_window(ack(65535), 20000);
}

TEST_P(Pace, AScaleAboveFourteenCountsAsFourteen) {
  set_window(1 << 20);
  const Bytes options = tcp_options({option_mss(1460), option_window_scale(200)});
  handshake(options, scaling);
  expect_window(ack(65535), 64);
}

TEST_P(Pace, TheWindowOfASynIsLoweredUnscaled) {
  set_window(20000);
  expect_window(syn(scaling), 20000);
  set_window(1 << 20);
  expect_window(syn(scaling), 65535);
}

TEST_P(Pace, ThereIsAlwaysRoomForOneSegment) {
  set_window(100);
  handshake(scaling, scaling);
  expect_window(ack(65535), 12);  // 1460 bytes, rounded up to 128
  expect_window(ack(65535, 100), 12);
}

TEST_P(Pace, TheRightEdgeNeverRetreats) {
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

TEST_P(Pace, TheEdgeOfTheSynStandsWhenThePolicyChangesBeforeTheFirstAck) {
  handshake(scaling, scaling);
  set_window(20000);
  expect_window(ack(65535), 512);  // 65535 bytes
  expect_window(ack(65535, 60000), 157);
}

TEST_P(Pace, AnAckPastTheRightEdgeRestartsIt) {
  handshake(scaling, scaling);
  expect_window(ack(65535), 2048);
  // Allowed elsewhere: a part of the connection took another path.
  expect_window(ack(8192, 1 << 20), 8192);
  expect_window(ack(8192, 2 << 20), 2048);
}

TEST_P(Pace, ALatePolicyKeepsTheRightEdge) {
  set_window(0);
  handshake(scaling, scaling);
  expect_window(ack(8192), 8192);  // 1 MiB
  EXPECT_EQ(count(web, SLUICE_VERDICT_WINDOW_LOWERED), 0);
  set_window(256 * 1024);
  expect_window(ack(8192, 512 * 1024), 4096);
  expect_window(ack(8192, 768 * 1024), 2048);
}

TEST_P(Pace, SignedSegmentsAreNeverChanged) {
  for (const Bytes& option : {option_md5(), option_ao()}) {
    const Bytes options = tcp_options({option_mss(1460), option_window_scale(7), option});
    set_window(20000);
    expect_untouched(syn(options));
    expect_untouched(syn_ack(options));
    expect_untouched(ack(65535));
  }
}

TEST_P(Pace, ASegmentThatBecomesSignedInMidConnectionIsNotChanged) {
  handshake(scaling, scaling);
  expect_window(ack(65535), 2048);
  Packet packet = ack(65535);
  packet.find<Tcp>()->options = tcp_options({option_nop(), option_nop(), option_md5()});
  expect_untouched(packet);
}

TEST_P(Pace, MalformedOptionsAreIgnored) {
  expect_untouched(syn({2, 4, 5, 0xb4, 3, 9, 7, 0}));
  expect_untouched(syn({3, 0, 0, 0}));
  expect_untouched(ack(65535));
}

// --- where only the client's direction passes (direct server return, a translation) ----------

TEST_P(Pace, AFirstAckThatMustBeScaledShowsTheScale) {
  set_window(32 * 1024);
  pass_in(syn(scaling, 64240));
  expect_window(ack(502), 256);
}

TEST_P(Pace, AnAmbiguousFirstAckIsNotChanged) {
  set_window(32 * 1024);
  pass_in(syn(scaling, 64240));
  expect_untouched(ack(64240));
  expect_untouched(ack(60000, 10000));
}

TEST_P(Pace, PacketsSeenAtBothHooksAreHandledOnce) {
  for (const Packet& packet : {syn(scaling, 64240), ack(502), ack(65535, 1000)}) {
    const Frame once = pass_in(packet);
    EXPECT_TRUE(same_packet(pass_out(Packet::parse(once)), once));
  }
  expect_window(ack(65535, 60000), 2048);
}

// --- beginning and end of a flow --------------------------------------------------------------

TEST_P(Pace, ADifferentSynRestartsTheFlowButARepeatedOneDoesNot) {
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

TEST_P(Pace, ASynAckToAnotherSynIsIgnored) {
  pass_in(syn(scaling));
  Packet forged = syn_ack(without_scaling);
  forged.find<Tcp>()->ack = 1;
  pass_out(forged);
  EXPECT_EQ(flow()->flags & SLUICE_PACED_SERVER_SYN, 0);
}

TEST_P(Pace, AFlowIsRemovedAfterItsLastAck) {
  handshake(scaling, scaling);
  pass_in(ack(65535));
  pass_in(to_service({.seq = client_isn + 1, .flags = tcp_fin | tcp_ack}));
  ASSERT_TRUE(flow());
  pass_out(to_client({.flags = tcp_fin | tcp_ack}));
  ASSERT_TRUE(flow());
  pass_in(to_service({.seq = client_isn + 2}));
  EXPECT_FALSE(flow());
}

TEST_P(Pace, AServicesResetRemovesTheFlowButAClientsDoesNot) {
  handshake(scaling, scaling);
  expect_untouched(to_service({.seq = 99, .flags = tcp_rst, .window = 65535}));
  EXPECT_TRUE(flow());
  pass_out(to_client({.flags = tcp_rst}));
  EXPECT_FALSE(flow());
}

INSTANTIATE_TEST_SUITE_P(Families, Pace, testing::ValuesIn(both_families),
                         [](const auto& family) { return std::string(family_text(family.param)); });

}  // namespace
}  // namespace sluice::packets
