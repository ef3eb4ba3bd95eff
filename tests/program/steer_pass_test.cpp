// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is not ours passes untouched, and so does everything that a header contradicts: the stage
// has services of both modes in both families, and each packet here is one step away from one that
// they would take.
#include <linux/bpf.h>

#include "expectations.h"
#include "stage.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::Bytes;
using packets::client;
using packets::director;
using packets::gateway;
using packets::Ipv4;
using packets::Ipv6;
using packets::Ipv6Extension;
using packets::Packet;
using packets::same_packet;
using packets::service_one;
using packets::service_two;
using packets::stranger;
using packets::Tcp;
using packets::Udp;

constexpr uint16_t kEtherArp = 0x0806;
constexpr size_t kEthernetBytes = 14;

struct Case {
  std::string name;
  Frame frame;
  std::string verdict;
};

class SteerPasses : public StageTestOfFamily {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
      for (const Mode mode : {Mode::ipip, Mode::snat}) {
        const Host& host = mode == Mode::ipip ? service_one : service_two;
        const Service service = stage().add_service(family(), host, 80, l4_proto, mode);
        stage().settle(service, stage().add_backend(service, family(), backend_one));
      }
    }
  }

  [[nodiscard]] static Packet begin() { return Packet().ethernet(gateway, director_front); }
  [[nodiscard]] Packet ip(const Host& to = service_one) const {
    return begin().ip(family(), client, to);
  }
  [[nodiscard]] static Tcp tcp() {
    return {.source_port = 40000, .destination_port = 80, .flags = packets::tcp_syn};
  }
  [[nodiscard]] static Udp udp() { return {.source_port = 40000, .destination_port = 80}; }
  // An IP header of this protocol, and behind it whatever bytes.
  [[nodiscard]] Packet raw(uint8_t l4_proto, Bytes bytes) const {
    Packet packet = ip();
    if (auto* v4 = packet.find<Ipv4>()) v4->protocol = l4_proto;
    if (auto* v6 = packet.find<Ipv6>()) v6->next_header = l4_proto;
    return packet.add(std::move(bytes));
  }
  // With the length that the IP header should have changed by so much.
  [[nodiscard]] Packet with_length_off_by(Packet packet, int difference) const {
    const int bytes = static_cast<int>(packet.datagram().size());
    if (auto* v4 = packet.find<Ipv4>())
      v4->total_length = static_cast<uint16_t>(bytes + difference);
    if (auto* v6 = packet.find<Ipv6>())
      v6->payload_length = static_cast<uint16_t>(bytes - 40 + difference);
    return packet;
  }

  // Packets that are ours, in every shape that the parser follows.
  [[nodiscard]] std::vector<Packet> ours() const {
    std::vector<Packet> out;
    for (const Host* host : {&service_one, &service_two}) {
      out.push_back(ip(*host).tcp(tcp()).payload("hello"));
      out.push_back(ip(*host).udp(udp()).payload("hello"));
      Tcp with_options = tcp();
      with_options.options =
          packets::tcp_options({packets::option_mss(1460), packets::option_timestamps(1, 0)});
      out.push_back(ip(*host).tcp(with_options));
      for (const bool is_tcp : {true, false}) {
        Packet packet = begin();
        if (family() == Family::v4) {
          packet.add(Ipv4{.source = client.v4, .destination = host->v4, .options = Bytes(12, 1)});
        } else {
          packet.ip(family(), client, *host)
              .add(Ipv6Extension{.kind = packets::ipv6_hop_by_hop})
              .add(Ipv6Extension{.body = Bytes(14)});
        }
        out.push_back(is_tcp ? packet.tcp(tcp()).payload("hello") : packet.udp(udp()));
      }
    }
    return out;
  }

  // So many packets pass, each as it came and counted once.
  void expect_passed(const Case& row) {
    const uint64_t counted_before = stage().counted();
    const uint64_t verdict_before = stage().verdicts(0)[row.verdict];
    const Outcome outcome = stage().steer(row.frame);
    EXPECT_EQ(outcome.action, XDP_PASS) << row.name;
    EXPECT_TRUE(same_packet(outcome.frame, row.frame)) << row.name;
    EXPECT_EQ(stage().verdicts(0)[row.verdict], verdict_before + 1) << row.name;
    EXPECT_EQ(stage().counted(), counted_before + 1) << row.name;
  }
};

TEST_P(SteerPasses, WhatIsOursDoesNotPass) {
  for (const Packet& packet : ours()) {
    EXPECT_EQ(stage().steer(packet.frame()).action, XDP_REDIRECT) << describe(packet);
  }
}

TEST_P(SteerPasses, WhatIsForNobodyHere) {
  std::vector<Case> table{
      {"wrong address", ip(stranger).tcp(tcp()).frame(), "not_ours"},
      {"wrong port", ip().tcp({.source_port = 40000, .destination_port = 81}).frame(), "not_ours"},
      {"ports the wrong way round",
       ip().tcp({.source_port = 80, .destination_port = 40000}).frame(), "not_ours"},
      {"wrong UDP port", ip().udp({.source_port = 40000, .destination_port = 81}).frame(),
       "not_ours"},
      {"port 0", ip().tcp({.source_port = 40000, .destination_port = 0}).frame(), "not_ours"},
      {"an error that quotes our packet",
       ip().icmp({.type = 3, .code = 4}).quote(ip().tcp(tcp()), 28).frame(), "not_ours"},
      {"SCTP", raw(132, Bytes(32, 80)).frame(), "not_ours"},
      {"ESP", raw(50, Bytes(32, 80)).frame(), "not_ours"},
      {"a tunnel packet", ip().ip(family(), client, service_one).tcp(tcp()).frame(), "not_ours"},
      {"the other way", begin().ip(family(), service_one, client).tcp(tcp()).frame(), "not_ours"},
      {"a reply of no translated connection",
       begin().ip(family(), backend_one, director).tcp(tcp()).frame(), "not_ours"},
  };
  for (const Case& row : table) expect_passed(row);
}

TEST_P(SteerPasses, AServiceOfOneProtocolLeavesTheOtherAlone) {
  const Service only_tcp = stage().add_service(family(), service_one, 90, L4Proto::tcp, Mode::ipip);
  const Service only_udp = stage().add_service(family(), service_one, 91, L4Proto::udp, Mode::ipip);
  for (const Service& service : {only_tcp, only_udp}) {
    stage().settle(service, stage().add_backend(service, family(), backend_one));
  }
  expect_passed({"UDP to the TCP service",
                 ip().udp({.source_port = 40000, .destination_port = 90}).frame(), "not_ours"});
  expect_passed({"TCP to the UDP service",
                 ip().tcp({.source_port = 40000, .destination_port = 91}).frame(), "not_ours"});
}

TEST_P(SteerPasses, WhatIsNotIp) {
  const Bytes datagram = ip().tcp(tcp()).datagram();
  const auto of_type = [&](uint16_t ethertype) {
    return Packet()
        .add(packets::Ethernet{
            .destination = director_front.mac, .source = gateway.mac, .ethertype = ethertype})
        .add(datagram)
        .frame();
  };
  const uint16_t other_family = family() == Family::v4 ? 0x86dd : 0x0800;
  expect_passed({"ARP", of_type(kEtherArp), "not_ip"});
  expect_passed({"LLDP", of_type(0x88cc), "not_ip"});
  expect_passed({"a length in place of a type", of_type(0x0040), "not_ip"});
  expect_passed({"MPLS", of_type(0x8847), "not_ip"});
  expect_passed({"nothing but Ethernet", begin().frame(), "not_ip"});
  expect_passed({"the other family's type", of_type(other_family), "not_ours"});
}

TEST_P(SteerPasses, WhatHasMoreTagsThanTwoOrNoIpBehindThem) {
  const auto tagged = [&](const std::vector<uint16_t>& tpids) {
    Packet packet = begin();
    for (const uint16_t tpid : tpids) packet.vlan(7, tpid);
    return packet;
  };
  expect_passed(
      {"three tags",
       tagged({0x88a8, 0x8100, 0x8100}).ip(family(), client, service_one).tcp(tcp()).frame(),
       "not_ip"});
  for (const std::vector<uint16_t>& tpids : {std::vector<uint16_t>{0x8100}, {0x88a8, 0x8100}}) {
    Packet arp = tagged(tpids);
    arp.find<packets::Vlan>(tpids.size() - 1)->ethertype = kEtherArp;
    expect_passed({"a tag and ARP", arp.add(Bytes(46)).frame(), "not_ip"});
    expect_passed({"a tag and nothing", tagged(tpids).frame(), "not_ip"});
  }
}

// Whatever else is wrong with it.
TEST_P(SteerPasses, WhatIsForAStrangerIsNotLookedAtAnyFurther) {
  std::vector<Packet> packets{ip(stranger).tcp(tcp()), ip(stranger).udp(udp())};
  packets.push_back(with_length_off_by(ip(stranger).tcp(tcp()), 1000));
  packets.push_back(with_ttl(ip(stranger).tcp(tcp()), 0));
  for (const Packet& packet : packets) {
    const Frame whole = packet.frame();
    const size_t header_end = kEthernetBytes + (family() == Family::v4 ? 20 : 40);
    for (size_t bytes = header_end; bytes <= whole.size(); bytes++) {
      expect_passed({fmt::format("{} bytes", bytes), whole.truncated(bytes), "not_ours"});
    }
  }
}

TEST_P(SteerPasses, EveryPacketCutOffAtEveryByte) {
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

// The IP header says so itself, and what is behind its end is the frame's padding, no header.
TEST_P(SteerPasses, ATransportHeaderThatTheIpHeaderCutsOff) {
  for (const uint8_t l4_proto : {uint8_t{6}, uint8_t{17}}) {
    const Packet whole = l4_proto == 6 ? ip().tcp(tcp()) : ip().udp(udp());
    const Bytes datagram = whole.datagram();
    const size_t ip_bytes = family() == Family::v4 ? 20 : 40;
    for (size_t bytes = 0; bytes < datagram.size() - ip_bytes; bytes++) {
      const auto at = datagram.begin() + static_cast<std::ptrdiff_t>(ip_bytes);
      const Packet cut = raw(l4_proto, Bytes(at, at + static_cast<std::ptrdiff_t>(bytes)));
      expect_passed({fmt::format("{} bytes", bytes), cut.frame(), "malformed"});
      expect_passed({fmt::format("{} bytes, padded", bytes), padded(cut.frame(), 90), "malformed"});
      // The same, and the rest of the header is there all the same.
      const int rest = static_cast<int>(bytes) - static_cast<int>(datagram.size() - ip_bytes);
      expect_passed({fmt::format("{} bytes, says the header", bytes),
                     with_length_off_by(whole, rest).frame(), "malformed"});
    }
  }
}

TEST_P(SteerPasses, LengthsThatContradictThePacket) {
  std::vector<Case> table{
      {"one more than there is", with_length_off_by(ip().tcp(tcp()), 1).frame(), "malformed"},
      {"many more than there are", with_length_off_by(ip().tcp(tcp()), 9000).frame(), "malformed"},
      {"one more UDP", with_length_off_by(ip().udp(udp()), 1).frame(), "malformed"},
  };
  for (const Case& row : table) expect_passed(row);
}

TEST_P(SteerPasses, WhatIsWrongBehindThePortsIsForTheBackendToSay) {
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

TEST_P(SteerPasses, HeadersOfTheNetworkLayerThatContradictThemselves) {
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

class SteerPassesIpv6 : public SteerPasses {};

TEST_P(SteerPassesIpv6, ExtensionHeadersThatNobodyFollows) {
  const auto behind = [&](uint8_t kind) {
    return ip().add(Ipv6Extension{.kind = kind}).tcp(tcp()).frame();
  };
  Packet seven = ip();
  for (int i = 0; i < 7; i++) seven.add(Ipv6Extension{});
  expect_passed({"one too many", seven.tcp(tcp()).frame(), "not_ours"});
  expect_passed({"a routing header", behind(packets::ipv6_routing), "not_ours"});
  expect_passed({"an authentication header", behind(51), "not_ours"});
  expect_passed({"mobility", behind(135), "not_ours"});
  expect_passed({"no next header", raw(59, Bytes(20)).frame(), "not_ours"});
}

TEST_P(SteerPasses, NothingIsTrackedOfWhatPasses) {
  for (const Packet& packet : ours()) {
    const Frame whole = packet.frame();
    stage().steer(whole.truncated(whole.size() - 1));
  }
  EXPECT_TRUE(stage().flows().entries()->empty());
  EXPECT_TRUE(stage().half_open().entries()->empty());
  EXPECT_TRUE(stage().translations().entries()->empty());
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerPasses, testing::ValuesIn(packets::both_families),
                         family_name);
INSTANTIATE_TEST_SUITE_P(Ipv6, SteerPassesIpv6, testing::Values(Family::v6), family_name);

}  // namespace
}  // namespace sluice::stage
