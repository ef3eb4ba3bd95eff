// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Malformed and truncated packets pass unchanged.
#include "pass_fixture.h"

namespace sluice::stage {
namespace {

using packets::Bytes;
using packets::client;
using packets::Ipv4;
using packets::Ipv6;
using packets::Ipv6Extension;
using packets::Packet;
using packets::same_packet;
using packets::service_one;
using packets::Tcp;
using packets::Udp;

class SteerMalformed : public PassTest {};

TEST_P(SteerMalformed, PacketsTruncatedAtAnyBytePass) {
  std::vector<Packet> packets = ours();
  packets.push_back(begin().vlan(5).ip(family(), client, service_one).tcp(tcp()).payload("hello"));
  packets.push_back(begin().vlan(5, 0x88a8).vlan(7).ip(family(), client, service_one).udp(udp()));
  for (const Packet& packet : packets) {
    const Frame whole = packet.frame();
    for (size_t bytes = kEthernetBytes; bytes < whole.size(); bytes++) {
      const Frame cut = whole.truncated(bytes);
      const Outcome outcome = stage().steer(cut);
      ASSERT_EQ(outcome.action, XDP_PASS) << bytes << " bytes of\n" << describe(packet);
      ASSERT_TRUE(same_packet(outcome.frame, cut));
    }
  }
  const Verdicts verdicts = stage().verdicts(0);
  for (const auto& [name, count] : verdicts) {
    EXPECT_TRUE(name == "malformed" || name == "not_ip") << name;
  }
}

// Bytes behind the IP packet's end are the frame's padding, not a header.
TEST_P(SteerMalformed, ATransportHeaderBeyondTheIpLengthPasses) {
  for (const uint8_t l4_proto : {uint8_t{6}, uint8_t{17}}) {
    const Packet whole = l4_proto == 6 ? ip().tcp(tcp()) : ip().udp(udp());
    const Bytes datagram = whole.datagram();
    const size_t ip_bytes = family() == Family::v4 ? 20 : 40;
    for (size_t bytes = 0; bytes < datagram.size() - ip_bytes; bytes++) {
      const auto at = datagram.begin() + static_cast<std::ptrdiff_t>(ip_bytes);
      const Packet cut = raw(l4_proto, Bytes(at, at + static_cast<std::ptrdiff_t>(bytes)));
      expect_passed({fmt::format("{} bytes", bytes), cut.frame(), "malformed"});
      expect_passed({fmt::format("{} bytes, padded", bytes), padded(cut.frame(), 90), "malformed"});
      // The frame has the rest of the header, behind the IP packet's end.
      const int rest = static_cast<int>(bytes) - static_cast<int>(datagram.size() - ip_bytes);
      expect_passed({fmt::format("IP length of {} bytes", bytes),
                     with_length_off_by(whole, rest).frame(), "malformed"});
    }
  }
}

TEST_P(SteerMalformed, IpLengthsBeyondTheFramePass) {
  std::vector<Case> table{
      {"one byte more than the frame", with_length_off_by(ip().tcp(tcp()), 1).frame(), "malformed"},
      {"many bytes more than the frame", with_length_off_by(ip().tcp(tcp()), 9000).frame(),
       "malformed"},
      {"one byte more than the frame, UDP", with_length_off_by(ip().udp(udp()), 1).frame(),
       "malformed"},
  };
  for (const Case& row : table) expect_passed(row);
}

TEST_P(SteerMalformed, TransportErrorsBehindThePortsAreLeftToTheBackend) {
  std::vector<Packet> packets;
  for (const auto words : {uint8_t{0}, uint8_t{4}, uint8_t{7}, uint8_t{15}}) {
    Tcp header = tcp();
    header.data_offset = words;
    packets.push_back(ip().tcp(header).payload("hello"));
  }
  for (const auto bytes : {uint16_t{0}, uint16_t{7}, uint16_t{14}, uint16_t{65535}}) {
    Udp header = udp();
    header.length = bytes;
    packets.push_back(ip().udp(header).payload("hello"));
  }
  for (const Packet& packet : packets) {
    EXPECT_EQ(stage().steer(packet.frame()).action, XDP_REDIRECT) << describe(packet);
  }
}

TEST_P(SteerMalformed, MalformedIpHeadersPass) {
  std::vector<Case> table;
  if (family() == Family::v4) {
    const auto with = [&](uint8_t version_ihl, std::optional<uint16_t> total_length = {}) {
      return begin()
          .add(Ipv4{.source = client.v4,
                    .destination = service_one.v4,
                    .total_length = total_length,
                    .version_ihl = version_ihl})
          .tcp(tcp())
          .payload(std::string(60, 'x'))
          .frame();
    };
    table = {
        {"ihl 4", with(0x44), "malformed"},
        {"ihl 0", with(0x40), "malformed"},
        {"version 6", with(0x65), "malformed"},
        {"version 0", with(0x05), "malformed"},
        {"length 0", with(0x45, 0), "malformed"},
        {"length 19", with(0x45, 19), "malformed"},
        {"length of the header alone", with(0x45, 20), "malformed"},
        {"header longer than the length", with(0x4f, 59), "malformed"},
        {"header as long as the length", with(0x4f, 60), "malformed"},
    };
  } else {
    const auto with = [&](std::optional<uint8_t> version, std::optional<uint16_t> payload_length) {
      return begin()
          .add(Ipv6{.source = client.v6,
                    .destination = service_one.v6,
                    .payload_length = payload_length,
                    .version = version})
          .tcp(tcp())
          .payload(std::string(60, 'x'))
          .frame();
    };
    const auto extended = [&](uint8_t length, std::optional<uint16_t> payload_length) {
      return begin()
          .add(Ipv6{
              .source = client.v6, .destination = service_one.v6, .payload_length = payload_length})
          .add(Ipv6Extension{.body = Bytes(30), .length = length})
          .tcp(tcp())
          .frame();
    };
    table = {
        {"version 4", with(4, {}), "malformed"},
        {"version 0", with(0, {}), "malformed"},
        {"length 0, as of a jumbogram", with({}, 0), "malformed"},
        {"length 19", with({}, 19), "malformed"},
        {"an extension longer than the packet", extended(255, {}), "malformed"},
        {"an extension that ends past the length", extended(3, 24), "malformed"},
        {"an extension that ends at the length", extended(3, 32), "malformed"},
    };
  }
  for (const Case& row : table) expect_passed(row);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerMalformed, testing::ValuesIn(packets::both_families),
                         family_name);

}  // namespace
}  // namespace sluice::stage
