// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// pace: classification of packets. Packets of no service pass unchanged.
#include "pace_fixture.h"

namespace sluice::packets {
namespace {

class PaceClass : public PaceFixture {};

TEST_P(PaceClass, APacketOfNoServicePassesUnchanged) {
  const auto begin = [&] { return Packet().ethernet(client, director); };
  const auto ip = [&] { return begin().ip(GetParam(), client, outsider); };
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

TEST_P(PaceClass, PacketsOfAServiceWithoutPolicyPassUnchangedAndLeaveNoEntry) {
  pace_->add_endpoint(service_one.endpoint(GetParam(), web_port, 6), 2);
  expect_untouched(syn(scaling));
  expect_untouched(syn_ack(scaling));
  expect_untouched(ack(65535));
  EXPECT_EQ(count(2, SLUICE_VERDICT_UNPACED), 9);
  EXPECT_FALSE(flow());
}

TEST_P(PaceClass, ABackendsEndpointBelongsToItsService) {
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

TEST_P(PaceClass, AnAckIsFoundBehindTagsOptionsAndTunnels) {
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

TEST_P(PaceClass, FragmentsAndDeepHeadersPassUnchanged) {
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

TEST_P(PaceClass, ATruncatedPacketPassesUnchanged) {
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

TEST_P(PaceClass, ContradictingLengthsPassUnchanged) {
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

TEST_P(PaceClass, BytesBehindThePacketAreIgnored) {
  handshake(scaling, scaling);
  pass_in(ack(65535));
  // A short Ethernet frame is padded with arbitrary bytes.
  Frame frame = ack(65535).frame();
  Frame expected = with_window(ack(65535), 2048);
  for (Frame* padded : {&frame, &expected}) padded->bytes.resize(padded->size() + 20, 0xff);
  EXPECT_TRUE(same_packet(pace_->run(PaceHook::ingress, frame).frame, expected));
}

INSTANTIATE_TEST_SUITE_P(Families, PaceClass, testing::ValuesIn(both_families),
                         [](const auto& family) { return std::string(family_text(family.param)); });

}  // namespace
}  // namespace sluice::packets
