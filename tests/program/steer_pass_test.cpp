// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets for no service pass unchanged. Each packet differs in one respect from one that a service
// accepts.
#include "pass_fixture.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::Bytes;
using packets::client;
using packets::director;
using packets::gateway;
using packets::Ipv6Extension;
using packets::outsider;
using packets::Packet;
using packets::service_one;

constexpr uint16_t kEtherArp = 0x0806;

class SteerPasses : public PassTest {};

TEST_P(SteerPasses, PacketsForServicesAreSteered) {
  for (const Packet& packet : ours()) {
    EXPECT_EQ(stage().steer(packet.frame()).action, XDP_REDIRECT) << describe(packet);
  }
}

TEST_P(SteerPasses, PacketsForNoServicePass) {
  std::vector<Case> table{
      {"wrong address", ip(outsider).tcp(tcp()).frame(), "not_ours"},
      {"wrong port", ip().tcp({.source_port = 40000, .destination_port = 81}).frame(), "not_ours"},
      {"ports swapped", ip().tcp({.source_port = 80, .destination_port = 40000}).frame(),
       "not_ours"},
      {"wrong UDP port", ip().udp({.source_port = 40000, .destination_port = 81}).frame(),
       "not_ours"},
      {"port 0", ip().tcp({.source_port = 40000, .destination_port = 0}).frame(), "not_ours"},
      {"an error that quotes our packet",
       ip().icmp({.type = 3, .code = 4}).quote(ip().tcp(tcp()), 28).frame(), "not_ours"},
      {"SCTP", raw(132, Bytes(32, 80)).frame(), "not_ours"},
      {"ESP", raw(50, Bytes(32, 80)).frame(), "not_ours"},
      {"a tunnel packet", ip().ip(family(), client, service_one).tcp(tcp()).frame(), "not_ours"},
      {"the reverse direction", begin().ip(family(), service_one, client).tcp(tcp()).frame(),
       "not_ours"},
      {"a reply of an untracked connection",
       begin().ip(family(), backend_one, director).tcp(tcp()).frame(), "not_ours"},
  };
  for (const Case& row : table) expect_passed(row);
}

TEST_P(SteerPasses, AServiceTakesItsOwnProtocolOnly) {
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

TEST_P(SteerPasses, PacketsThatAreNotIpPass) {
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
  expect_passed({"an Ethernet header alone", begin().frame(), "not_ip"});
  expect_passed({"the other family's type", of_type(other_family), "not_ours"});
}

TEST_P(SteerPasses, MoreThanTwoTagsOrNoIpBehindThemPass) {
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

TEST_P(SteerPasses, PacketsForOtherAddressesAreNotParsedFurther) {
  std::vector<Packet> packets{ip(outsider).tcp(tcp()), ip(outsider).udp(udp())};
  packets.push_back(with_length_off_by(ip(outsider).tcp(tcp()), 1000));
  packets.push_back(with_ttl(ip(outsider).tcp(tcp()), 0));
  for (const Packet& packet : packets) {
    const Frame whole = packet.frame();
    const size_t header_end = kEthernetBytes + (family() == Family::v4 ? 20 : 40);
    for (size_t bytes = header_end; bytes <= whole.size(); bytes++) {
      expect_passed({fmt::format("{} bytes", bytes), whole.truncated(bytes), "not_ours"});
    }
  }
}

class SteerPassesIpv6 : public SteerPasses {};

TEST_P(SteerPassesIpv6, ExtensionHeadersThatAreNotFollowedPass) {
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

TEST_P(SteerPasses, PassedPacketsAreNotTracked) {
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
