// Addresses, endpoints and backends' places: what is read, what is refused and why.
#include "model/address.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace sluice {
namespace {

template <typename T>
void expect_misused(const Result<T>& result, const std::string& text) {
  ASSERT_FALSE(result.has_value()) << text;
  EXPECT_EQ(result.error().kind, ErrorKind::misused);
  EXPECT_EQ(result.error().text, text);
}

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
                 "address \"[::1]\": brackets only belong round an address with a port");
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
      {"203.0.113.10:/tcp", "port \"\" is not a whole number from 1 to 65535"},
      {"203.0.113.10:0/tcp", "port \"0\" is not a whole number from 1 to 65535"},
      {"203.0.113.10:65536/tcp", "port \"65536\" is not a whole number from 1 to 65535"},
      {"203.0.113.10:99999999999999999999/tcp",
       "port \"99999999999999999999\" is not a whole number from 1 to 65535"},
      {"203.0.113.10:-1/tcp", "port \"-1\" is not a whole number from 1 to 65535"},
      {"203.0.113.10:+80/tcp", "port \"+80\" is not a whole number from 1 to 65535"},
      {"203.0.113.10:80x/tcp", "port \"80x\" is not a whole number from 1 to 65535"},
      {"203.0.113.10:http/tcp", "port \"http\" is not a whole number from 1 to 65535"},
      {"2001:db8::10:53/udp", "an IPv6 address stands in brackets, as in [2001:db8::10]:443/udp"},
      {"[2001:db8::10:53/udp", "\"[\" without \"]\""},
      {"[2001:db8::10]53/udp", "\":PORT\" should follow \"]\""},
      {"[10.0.0.1]:80/tcp", "brackets are for IPv6; write 10.0.0.1:PORT/tcp"},
      {"10.0.0:80/tcp", "address \"10.0.0\": not an IPv4 or IPv6 address"},
      {":80/tcp", "address \"\": not an IPv4 or IPv6 address"},
      {"/tcp", "names no port; write ADDRESS:PORT/tcp"},
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
}

TEST(HostPort, RefusesAndSaysWhatToDo) {
  expect_misused(HostPort::parse("10.0.0.11"),
                 "backend \"10.0.0.11\": names no port; write 10.0.0.11:PORT");
  expect_misused(HostPort::parse("10.0.0.11:80/tcp"),
                 "backend \"10.0.0.11:80/tcp\": port \"80/tcp\" is not a whole number from 1 to "
                 "65535");
  expect_misused(HostPort::parse(""), "backend \"\": names no port; write ADDRESS:PORT");
}

TEST(L4Proto, HasAName) {
  EXPECT_EQ(l4_proto_text(L4Proto::tcp), "tcp");
  EXPECT_EQ(l4_proto_text(L4Proto::udp), "udp");
}

}  // namespace
}  // namespace sluice
