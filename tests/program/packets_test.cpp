// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The packet library itself: built packets have checksums that another implementation computed, and
// parsing returns what was built.
#include "packets.h"

#include <gmock/gmock.h>

namespace sluice::packets {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<Packet> assortment() {
  std::vector<Packet> out;
  for (const Family family : both_families) {
    const auto begin = [&] { return Packet().ethernet(client, director); };
    const auto ip = [&] { return begin().ip(family, client, service_one); };
    out.push_back(ip().tcp(
        {.source_port = 40000,
         .destination_port = 80,
         .seq = 7,
         .flags = tcp_syn,
         .options = tcp_options({option_mss(1460), option_sack_permitted(), option_timestamps(1, 0),
                                 option_nop(), option_window_scale(7)})}));
    out.push_back(ip().tcp({.source_port = 1, .destination_port = 2}).payload("odd"));
    out.push_back(ip().udp({.source_port = 3, .destination_port = 53}).payload("question"));
    out.push_back(ip().icmp({.type = 8, .rest = 0x10001}).payload("ping"));
    out.push_back(begin().vlan(5, 0x88a8).vlan(7).ip(family, client, service_one).udp({}));
    out.push_back(begin()
                      .ip(Family::v4, director, backend_one)
                      .ip(family, client, service_one)
                      .tcp({.source_port = 40000, .destination_port = 80}));
    out.push_back(begin().ip(Family::v6, director, backend_one).ip(family, client, service_one));
    out.push_back(ip().icmp({.type = 3, .code = 4}).quote(ip().tcp({}).payload("data"), 28));
  }
  out.push_back(
      Packet()
          .ethernet(client, director)
          .add(Ipv4{.source = client.v4, .destination = service_one.v4, .options = {7, 3}})
          .tcp({}));
  out.push_back(Packet()
                    .ethernet(client, director)
                    .ip(Family::v6, client, service_one)
                    .add(Ipv6Extension{.kind = ipv6_hop_by_hop})
                    .add(Ipv6Extension{.kind = ipv6_destination, .body = Bytes(14)})
                    .add(ipv6_fragment_header(0, true, 9))
                    .udp({}));
  return out;
}

TEST(Packets, Ipv4HeaderChecksumMatchesATextbookExample) {
  const Bytes bytes = Packet()
                          .add(Ipv4{.source = address("192.168.0.1"),
                                    .destination = address("192.168.0.199"),
                                    .protocol = 17,
                                    .total_length = 0x73})
                          .bytes();
  EXPECT_EQ(bytes[10], 0xb8);
  EXPECT_EQ(bytes[11], 0x61);
}

// Golden checksums computed by another implementation (Python, from RFC 1071).
TEST(Packets, TransportChecksumsMatchGoldenValues) {
  const auto field = [](const Bytes& bytes, size_t offset) {
    return bytes[offset] << 8 | bytes[offset + 1];
  };
  const Tcp tcp{.source_port = 40000, .destination_port = 80, .seq = 1, .ack = 2, .window = 500};
  const Udp udp{.source_port = 40000, .destination_port = 53};
  const auto ip = [](Family family) { return Packet().ip(family, client, service_one); };
  EXPECT_EQ(field(ip(Family::v4).tcp(tcp).payload("odd").bytes(), 20 + 16), 0xd79c);
  EXPECT_EQ(field(ip(Family::v6).tcp(tcp).payload("odd").bytes(), 40 + 16), 0xe242);
  EXPECT_EQ(field(ip(Family::v4).udp(udp).payload("odd").bytes(), 20 + 6), 0x29b5);
  EXPECT_EQ(field(ip(Family::v6).udp(udp).payload("odd").bytes(), 40 + 6), 0x345b);
  EXPECT_EQ(field(ip(Family::v4).icmp({.type = 8, .rest = 1}).bytes(), 20 + 2), 0xf7fe);
  EXPECT_EQ(field(ip(Family::v6).icmp({.type = 128, .rest = 1}).bytes(), 40 + 2), 0x2419);
}

TEST(Packets, ParsingReturnsWhatWasBuilt) {
  for (const Packet& packet : assortment()) {
    const Frame frame = packet.frame();
    const Packet parsed = Packet::parse(frame);
    EXPECT_EQ(parsed.frame().bytes, frame.bytes) << describe(packet);
    EXPECT_EQ(parsed.layers().size(), packet.layers().size()) << describe(parsed);
    // A quoted packet is truncated, so its length and checksum are wrong.
    const std::string text = describe(frame);
    EXPECT_THAT(text.substr(0, text.find("quoted:")), Not(HasSubstr("wrong")));
  }
}

TEST(Packets, ATruncatedPacketIsParsedAndRebuiltByteForByte) {
  for (const Packet& packet : assortment()) {
    const Frame frame = packet.frame();
    for (size_t length = 0; length < frame.size(); length++) {
      const Frame cut = frame.truncated(length);
      ASSERT_EQ(Packet::parse(cut).frame().bytes, cut.bytes) << describe(packet) << length;
    }
  }
}

TEST(Packets, AWrongChecksumIsMarked) {
  for (const Family family : both_families) {
    Frame frame =
        Packet().ethernet(client, director).ip(family, client, service_one).tcp({}).frame();
    frame.bytes.back() ^= 1;
    EXPECT_THAT(describe(frame), HasSubstr("checksum"));
    EXPECT_THAT(describe(frame), HasSubstr("wrong"));
  }
}

TEST(Packets, AChangedFieldUpdatesTheChecksum) {
  const Packet packet =
      Packet().ethernet(client, director).ip(Family::v4, client, service_one).tcp({.window = 9});
  Packet changed = Packet::parse(packet.frame());
  changed.find<Tcp>()->window = 4;
  changed.find<Ipv4>()->destination = backend_one.v4;
  EXPECT_EQ(changed.frame(), Packet()
                                 .ethernet(client, director)
                                 .ip(Family::v4, client, backend_one)
                                 .tcp({.window = 4})
                                 .frame());
}

TEST(Packets, ADifferenceIsDescribed) {
  const auto frame = [](const Host& to) {
    return Packet().ethernet(client, director).ip(Family::v6, client, to).udp({}).frame();
  };
  EXPECT_TRUE(same_packet(frame(service_one), frame(service_one)));
  const testing::AssertionResult result = same_packet(frame(service_two), frame(service_one));
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message(), HasSubstr("ipv6 client.v6 -> service_two.v6"));
  EXPECT_THAT(result.message(), HasSubstr("ipv6 client.v6 -> service_one.v6"));
}

}  // namespace
}  // namespace sluice::packets
