// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Addresses, endpoints and backends' places: what is read, what is refused and why.
#include "model/address.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "unit/support/expect_misused.h"

namespace sluice {
namespace {

Address address(std::string_view text) {
  return Address::parse(text).value();
}

TEST(Address, Ipv4IsHeldMapped) {
  const sluice_address raw = address("203.0.113.10").raw();
  const std::vector<uint8_t> want = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 10};
  EXPECT_EQ(std::vector<uint8_t>(std::begin(raw.bytes), std::end(raw.bytes)), want);
}

TEST(Address, Ipv6IsHeldInNetworkOrder) {
  const sluice_address raw = address("2001:db8::10").raw();
  const std::vector<uint8_t> want = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10};
  EXPECT_EQ(std::vector<uint8_t>(std::begin(raw.bytes), std::end(raw.bytes)), want);
}

TEST(Address, IsWrittenInItsShortestForm) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"10.0.0.1", "10.0.0.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8:0:0:0:0:0:10", "2001:db8::10"},         // RFC 5952, 4.3
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // 4.2.2: not for a single zero
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // 4.2.3: the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // 4.2.3: the first of two
      {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
  };
  for (const auto& [text, want] : cases) EXPECT_EQ(address(text).text(), want);
}

TEST(Address, WhatIsWrittenIsReadBackTheSame) {
  for (auto text : {"1.2.3.4", "::", "fe80::1", "2001:db8:1:2:3:4:5:6", "ff02::1", "::1:2"}) {
    EXPECT_EQ(address(address(text).text()), address(text)) << text;
  }
}

TEST(Address, RefusesWhatIsNoAddressAndSaysWhy) {
  const std::string plain = ": not an IPv4 or IPv6 address";
  for (auto text : {"", "10.0.0", "10.0.0.256", "10.0.0.1.2", "010.0.0.1", "10.0.0.1 ", " 10.0.0.1",
                    "web", "1:2:3", "2001:db8:::1", "12345::", "0x0a.0.0.1", "167772161", "-1"}) {
    expect_misused(Address::parse(text), "address \"" + std::string(text) + "\"" + plain);
  }
  expect_misused(Address::parse("[::1]"),
                 "address \"[::1]\": brackets belong around an address with a port only");
  expect_misused(Address::parse("fe80::1%eth0"),
                 "address \"fe80::1%eth0\": a zone (%) holds on one host only; use an address that "
                 "is routed");
  expect_misused(Address::parse("10.0.0.0/8"),
                 "address \"10.0.0.0/8\": a prefix (/), where one address is wanted");
  expect_misused(Address::parse("::ffff:1.2.3.4"),
                 "address \"::ffff:1.2.3.4\": another spelling of an IPv4 address; write 1.2.3.4");
  expect_misused(
      Address::parse("::ffff:0102:0304"),
      "address \"::ffff:0102:0304\": another spelling of an IPv4 address; write 1.2.3.4");
}

TEST(Address, HiddenBytesAreRefusedAndShown) {
  expect_misused(Address::parse(std::string_view("10.0.0.1\0x", 10)),
                 "address \"10.0.0.1\\x00x\": not an IPv4 or IPv6 address");
  expect_misused(Address::parse("10.0.0.1\n"),
                 "address \"10.0.0.1\\n\": not an IPv4 or IPv6 address");
  EXPECT_FALSE(Address::parse(std::string(100000, '1')).has_value());
}

TEST(Address, KnowsItsKind) {
  EXPECT_TRUE(address("1.2.3.4").is_v4());
  EXPECT_FALSE(address("::1.2.3.4").is_v4());
  EXPECT_FALSE(Address().is_v4());
  for (auto text : {"0.0.0.0", "::"}) EXPECT_TRUE(address(text).is_unspecified()) << text;
  for (auto text : {"0.0.0.1", "::1", "1.0.0.0", "100::"}) {
    EXPECT_FALSE(address(text).is_unspecified()) << text;
  }
  for (auto text : {"224.0.0.1", "239.255.255.255", "ff02::1"}) {
    EXPECT_TRUE(address(text).is_multicast()) << text;
  }
  for (auto text : {"223.255.255.255", "240.0.0.1", "fe80::1"}) {
    EXPECT_FALSE(address(text).is_multicast()) << text;
  }
}

TEST(Address, IsOrderedByItsBytes) {
  std::vector<Address> list = {address("2001:db8::1"), address("10.0.0.2"), address("10.0.0.1"),
                               address("::1")};
  std::sort(list.begin(), list.end());
  EXPECT_EQ(list, (std::vector<Address>{address("::1"), address("10.0.0.1"), address("10.0.0.2"),
                                        address("2001:db8::1")}));
}

TEST(Endpoint, IsReadAndWrittenTheSame) {
  for (auto text :
       {"203.0.113.10:443/tcp", "[2001:db8::10]:53/udp", "10.0.0.1:1/udp", "[::1]:65535/tcp"}) {
    auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint.has_value()) << endpoint.error().text;
    EXPECT_EQ(endpoint->text(), text);
    EXPECT_EQ(Endpoint::from_raw(endpoint->raw()), *endpoint);
  }
}

TEST(Endpoint, MayBeOfAnyPortAndOfAWholePrefix) {
  struct {
    const char* text;
    uint16_t port;
    uint8_t prefix_bits;
  } const cases[] = {
      {"203.0.113.10:0/tcp", 0, 128},       {"203.0.113.0/24:443/tcp", 443, 120},
      {"[2001:db8::/64]:443/udp", 443, 64}, {"[2001:db8::]:0/udp", 0, 128},
      {"128.0.0.0/1:0/tcp", 0, 97},
  };
  for (const auto& each : cases) {
    const auto endpoint = Endpoint::parse(each.text);
    ASSERT_TRUE(endpoint) << endpoint.error().text;
    EXPECT_EQ(endpoint->text(), each.text);
    EXPECT_EQ(endpoint->port, each.port) << each.text;
    EXPECT_EQ(endpoint->prefix_bits, each.prefix_bits) << each.text;
    EXPECT_EQ(endpoint->is_prefix(), each.prefix_bits < 128) << each.text;
  }
  EXPECT_EQ(Endpoint::parse("203.0.113.10/32:443/tcp")->text(), "203.0.113.10:443/tcp");
}

Prefix prefix(std::string_view text) {
  return Prefix::parse(text).value();
}

TEST(Prefix, IsReadAndWrittenTheSame) {
  for (auto text : {"203.0.113.0/24", "0.0.0.0/0", "::/0", "2001:db8::/33", "198.51.100.7",
                    "2001:db8::7", "203.0.113.128/25", "203.0.113.252/31"}) {
    EXPECT_EQ(prefix(text).text(), text);
  }
  EXPECT_EQ(prefix("198.51.100.7/32"), prefix("198.51.100.7"));
  EXPECT_EQ(prefix("0.0.0.0/0").bits, 96);
}

TEST(Prefix, RefusesAndSaysWhy) {
  expect_misused(Prefix::parse("198.51.100.7/24"),
                 "prefix \"198.51.100.7/24\": has bits set after the first 24; write "
                 "198.51.100.0/24");
  expect_misused(Prefix::parse("2001:db8::/129"),
                 "prefix \"2001:db8::/129\": length \"129\" is not a whole number from 0 to 128");
  expect_misused(Prefix::parse("10.0.0.0/-1"),
                 "prefix \"10.0.0.0/-1\": length \"-1\" is not a whole number from 0 to 32");
  expect_misused(Prefix::parse("10.0.0.0/8/8"),
                 "prefix \"10.0.0.0/8/8\": length \"8/8\" is not a whole number from 0 to 32");
  expect_misused(
      Prefix::parse("everyone-else"),
      "prefix \"everyone-else\": address \"everyone-else\": not an IPv4 or IPv6 address");
}

TEST(Prefix, ContainsItsAddressesAndNoOthers) {
  EXPECT_TRUE(prefix("203.0.113.0/24").contains(address("203.0.113.255")));
  EXPECT_FALSE(prefix("203.0.113.0/24").contains(address("203.0.114.0")));
  EXPECT_TRUE(prefix("203.0.113.128/25").contains(address("203.0.113.128")));
  EXPECT_FALSE(prefix("203.0.113.128/25").contains(address("203.0.113.127")));
  EXPECT_TRUE(prefix("198.51.100.7").contains(address("198.51.100.7")));
  EXPECT_FALSE(prefix("198.51.100.7").contains(address("198.51.100.6")));
  EXPECT_TRUE(prefix("2001:db8:8000::/33").contains(address("2001:db8:ffff::1")));
  EXPECT_FALSE(prefix("2001:db8:8000::/33").contains(address("2001:db8:7fff::1")));
  EXPECT_FALSE(prefix("::/0").contains(address("10.0.0.1")));
}

TEST(Prefix, OverlapsWhatIsInItAndWhatItIsIn) {
  EXPECT_TRUE(prefix("203.0.113.0/24").overlaps(prefix("203.0.113.64/26")));
  EXPECT_TRUE(prefix("203.0.113.64/26").overlaps(prefix("203.0.113.0/24")));
  EXPECT_TRUE(prefix("203.0.113.64/26").overlaps(prefix("203.0.113.64/26")));
  EXPECT_FALSE(prefix("203.0.113.0/26").overlaps(prefix("203.0.113.64/26")));
  EXPECT_FALSE(prefix("::/0").overlaps(prefix("0.0.0.0/0")));
}

TEST(Endpoint, IsKeptWithItsPortInNetworkOrder) {
  sluice_endpoint raw = Endpoint::parse("203.0.113.10:443/tcp")->raw();
  const auto* port = reinterpret_cast<const uint8_t*>(&raw.port);
  EXPECT_EQ(port[0], 1);
  EXPECT_EQ(port[1], 443 - 256);
  EXPECT_EQ(raw.l4_proto, 6);
  EXPECT_EQ(raw.address.bytes[15], 10);
  for (uint8_t byte : raw.reserved) EXPECT_EQ(byte, 0);
}

TEST(Endpoint, RefusesAndSaysWhatToDo) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"203.0.113.10:443", "names no protocol; add /tcp or /udp"},
      {"203.0.113.10:443/", "protocol \"\" is not tcp or udp"},
      {"203.0.113.10:443/TCP", "protocol \"TCP\" is not tcp or udp"},
      {"203.0.113.10:443/sctp", "protocol \"sctp\" is not tcp or udp"},
      {"203.0.113.10/tcp", "names no port; write 203.0.113.10:PORT/tcp"},
      {"[2001:db8::10]/udp", "names no port; write [2001:db8::10]:PORT/udp"},
      {"203.0.113.10:/tcp", "port \"\" is not a whole number from 1 to 65535, nor 0 for any"},
      {"203.0.113.10:65536/tcp",
       "port \"65536\" is not a whole number from 1 to 65535, nor 0 for any"},
      {"203.0.113.10:99999999999999999999/tcp",
       "port \"99999999999999999999\" is not a whole number from 1 to 65535, nor 0 for any"},
      {"203.0.113.10:-1/tcp", "port \"-1\" is not a whole number from 1 to 65535, nor 0 for any"},
      {"203.0.113.10:+80/tcp", "port \"+80\" is not a whole number from 1 to 65535, nor 0 for any"},
      {"203.0.113.10:80x/tcp", "port \"80x\" is not a whole number from 1 to 65535, nor 0 for any"},
      {"203.0.113.10:http/tcp",
       "port \"http\" is not a whole number from 1 to 65535, nor 0 for any"},
      {"2001:db8::10:53/udp",
       "an IPv6 address is written in brackets, as in [2001:db8::10]:443/udp"},
      {"[2001:db8::10:53/udp", "\"[\" without \"]\""},
      {"[2001:db8::10]53/udp", "\":PORT\" should follow \"]\""},
      {"[10.0.0.1]:80/tcp", "brackets are for IPv6; write 10.0.0.1:PORT/tcp"},
      {"10.0.0:80/tcp", "address \"10.0.0\": not an IPv4 or IPv6 address"},
      {":80/tcp", "address \"\": not an IPv4 or IPv6 address"},
      {"/tcp", "names no port; write ADDRESS:PORT/tcp"},
      {"203.0.113.0/24:443", "names no protocol; add /tcp or /udp"},
      {"203.0.113.0/24/tcp", "names no port; write 203.0.113.0/24:PORT/tcp"},
      {"203.0.113.10/24:443/tcp",
       "prefix \"203.0.113.10/24\": has bits set after the first 24; write 203.0.113.0/24"},
      {"[2001:db8::1/64]:0/udp",
       "prefix \"2001:db8::1/64\": has bits set after the first 64; write 2001:db8::/64"},
      {"[2001:db8::]/64:443/tcp",
       "a prefix's length is written in the brackets, as in [2001:db8::/64]:443/tcp"},
      {"[203.0.113.0/24]:443/tcp", "brackets are for IPv6; write 203.0.113.0/24:PORT/tcp"},
      {"203.0.113.0/33:443/tcp",
       "prefix \"203.0.113.0/33\": length \"33\" is not a whole number from 0 to 32"},
  };
  for (const auto& [text, why] : cases) {
    expect_misused(Endpoint::parse(text), fmt::format("endpoint \"{}\": {}", text, why));
  }
}

TEST(HostPort, IsReadAndWrittenTheSame) {
  for (auto text : {"10.0.0.11:8443", "[2001:db8::11]:8443"}) {
    auto at = HostPort::parse(text);
    ASSERT_TRUE(at.has_value()) << at.error().text;
    EXPECT_EQ(at->text(), text);
  }
  EXPECT_EQ(HostPort::parse("10.0.0.11:0443")->port, 443);
  EXPECT_EQ(HostPort::parse("10.0.0.11:0")->port, 0);
}

TEST(HostPort, RefusesAndSaysWhatToDo) {
  expect_misused(HostPort::parse("10.0.0.11"),
                 "backend \"10.0.0.11\": names no port; write 10.0.0.11:PORT");
  expect_misused(HostPort::parse("10.0.0.11:80/tcp"),
                 "backend \"10.0.0.11:80/tcp\": port \"80/tcp\" is not a whole number from 1 to "
                 "65535, nor 0 for any");
  expect_misused(HostPort::parse(""), "backend \"\": names no port; write ADDRESS:PORT");
}

TEST(L4Proto, HasAName) {
  EXPECT_EQ(l4_proto_text(L4Proto::tcp), "tcp");
  EXPECT_EQ(l4_proto_text(L4Proto::udp), "udp");
  EXPECT_EQ(l4_proto_text(L4Proto::icmp), "icmp");
  EXPECT_EQ(l4_proto_text(L4Proto::icmpv6), "icmpv6");
  EXPECT_EQ(l4_proto_text(L4Proto::any), "any");
}

}  // namespace
}  // namespace sluice
