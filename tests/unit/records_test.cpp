// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The contract's records, byte by byte where the packet path reads bytes.
#include "kernel/state/records.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

using Bytes = std::vector<uint8_t>;

struct Case {
  Mode mode;
  uint8_t gue_variant;
  const char* backend;
  const char* source;
  uint8_t ip_bytes;
  Bytes outer;
};

sluice_backend record_of(const Case& each) {
  Service service;
  service.number = 7;
  service.endpoint = Endpoint::parse("203.0.113.10:443/tcp").value();
  service.mode = each.mode;
  service.gue_variant = each.gue_variant;
  Backend backend;
  backend.service = 7;
  backend.number = 9;
  backend.at = HostPort::parse(each.backend).value();
  return path_record(service, backend, Address::parse(each.source).value());
}

const Bytes ip6_of(uint8_t protocol) {
  return {0x60, 0, 0,    0,    0, 0, protocol, 64,                          //
          0x20, 1, 0x0d, 0xb8, 0, 0, 0,        0,  0, 0, 0, 0, 0, 0, 0, 1,  //
          0x20, 1, 0x0d, 0xb8, 0, 0, 0,        0,  0, 0, 0, 0, 0, 0, 0, 0x11};
}

// The checksum field holds the sum of all other words: for ipip 0x4500 + 0x4000 + 0x4000 +
// 0x0a00 + 0x0001 + 0x0a00 + 0x000b, and for GUE 17 more.
const Bytes ip4_ipip{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 0, 0xd9, 0x0c, 10, 0, 0, 1, 10, 0, 0, 11};
const Bytes ip4_udp{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0xd9, 0x1d, 10, 0, 0, 1, 10, 0, 0, 11};
const Bytes udp{0, 0, 0x17, 0xc0, 0, 0, 0, 0};  // to 6080; length 0, checksum 0
const Bytes gue{0, 0, 0, 0};

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(PathRecord, HasTheOuterHeadersOfItsModeAndFamily) {
  const char* const v4 = "10.0.0.11:8443";
  const char* const v6 = "[2001:db8::11]:8443";
  const std::vector<Case> cases{
      {Mode::snat, 1, v4, "10.0.0.1", 0, {}},
      {Mode::nat, 1, v4, "10.0.0.1", 0, {}},
      {Mode::l2, 1, v4, "10.0.0.1", 0, {}},
      {Mode::ipip, 1, v4, "10.0.0.1", 20, ip4_ipip},
      {Mode::ipip, 1, v6, "2001:db8::1", 40, ip6_of(0)},
      {Mode::gue, 1, v4, "10.0.0.1", 20, joined({ip4_udp, udp})},
      {Mode::gue, 1, v6, "2001:db8::1", 40, joined({ip6_of(17), udp})},
      {Mode::gue, 0, v4, "10.0.0.1", 20, joined({ip4_udp, udp, gue})},
      {Mode::gue, 0, v6, "2001:db8::1", 40, joined({ip6_of(17), udp, gue})},
  };
  for (const Case& each : cases) {
    const sluice_backend record = record_of(each);
    SCOPED_TRACE(fmt::format("{} {} {}", mode_text(each.mode), each.gue_variant, each.backend));
    EXPECT_EQ(Bytes(record.outer.headers, record.outer.headers + record.outer.length), each.outer);
    EXPECT_EQ(record.outer.ip_bytes, each.ip_bytes);
    EXPECT_EQ(record.mode, static_cast<uint8_t>(each.mode));
    EXPECT_EQ(record.state, SLUICE_BACKEND_UP);
    EXPECT_EQ(record.service, 7U);
    EXPECT_EQ(ntohs(record.port), 8443);
    EXPECT_EQ(Address(record.service_address).text(), "203.0.113.10");
    EXPECT_EQ(ntohs(record.service_port), 443);

    Service service;
    service.mode = each.mode;
    service.gue_variant = each.gue_variant;
    EXPECT_EQ(outer_bytes(service, Address(record.address)), each.outer.size());
  }
}

TEST(PathRecord, OfAnyPortSaysSoWithZero) {
  const sluice_backend record = record_of({Mode::snat, 1, "10.0.0.11:0", "10.0.0.1", 0, {}});
  EXPECT_EQ(record.port, 0);
}

TEST(ServiceRecord, KeepsEverythingThatTheOperatorSaid) {
  Service service;
  service.name = "web";
  service.endpoint = Endpoint::parse("[2001:db8::/64]:0/udp").value();
  service.mode = Mode::gue;
  service.number = 12;
  service.ring_bits = 9;
  service.removing = true;
  service.retired = {1, 2, 3};
  service.affinity = Affinity::client_service;
  service.gue_variant = 0;
  service.quic = true;
  EXPECT_EQ(service_from(service_record(service)), service);
}

TEST(PolicyRecord, KeepsEveryLimit) {
  const Policy policy{1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(policy_from(policy_record(policy)), policy);
}

TEST(ClientWeightRecord, IsKeyedAsAFilterIs) {
  for (const char* text : {"198.51.100.0/24", "0.0.0.0/0", "2001:db8::/32", "198.51.100.7"}) {
    const ClientWeight weight{3, Prefix::parse(text).value(), 7};
    const sluice_filter_key key = client_weight_key(weight);
    EXPECT_EQ(client_weight_from(key, 7), weight);
    const sluice_filter_key filter = filter_key({3, weight.prefix, FilterAction::deny, false});
    EXPECT_EQ(memcmp(&key, &filter, sizeof(key)), 0);
  }
}

TEST(FilterRecord, IsKeyedByServiceAndPrefixAndKeepsWhatItDoes) {
  for (const FilterAction action : {FilterAction::allow, FilterAction::deny}) {
    for (const bool removing : {false, true}) {
      for (const char* text : {"198.51.100.0/24", "0.0.0.0/0", "2001:db8::/32", "198.51.100.7"}) {
        const Filter filter{3, Prefix::parse(text).value(), action, removing};
        EXPECT_EQ(filter_from(filter_key(filter), filter_record(filter)), filter);
        // What the packet path asks for, whatever user space has still to do.
        EXPECT_EQ((filter_record(filter) & SLUICE_FILTER_ALLOW) != 0,
                  action == FilterAction::allow);
      }
    }
  }
  const sluice_filter_key key =
      filter_key({3, Prefix::parse("198.51.100.0/24").value(), FilterAction::deny, false});
  EXPECT_EQ(key.bits, 32U + 96U + 24U);
  EXPECT_EQ(key.service, 3U);
  EXPECT_EQ(Bytes(key.address + 10, key.address + 16), (Bytes{0xff, 0xff, 198, 51, 100, 0}));
}

TEST(PrefixKey, CountsPortAndProtocolBeforeTheAddress) {
  const sluice_prefix_key key = prefix_key(Endpoint::parse("203.0.113.0/24:443/tcp").value());
  EXPECT_EQ(key.bits, 32U + 96U + 24U);
  EXPECT_EQ(ntohs(key.port), 443);
  EXPECT_EQ(key.l4_proto, 6);
  EXPECT_EQ(key.reserved, 0);
  EXPECT_EQ(Bytes(key.address + 10, key.address + 16), (Bytes{0xff, 0xff, 203, 0, 113, 0}));
}

TEST(TableRecord, IsTheEntryAsThePacketPathReadsIt) {
  const sluice_service_entry record =
      table_record({Endpoint::parse("203.0.113.10:443/tcp").value(), 5, SLUICE_SERVICE_AFFINE, 6});
  EXPECT_EQ(Address(record.address).text(), "203.0.113.10");
  EXPECT_EQ(ntohs(record.port), 443);
  EXPECT_EQ(record.l4_proto, 6);
  EXPECT_EQ(record.used, 1);
  EXPECT_EQ(record.service, 5U);
  EXPECT_EQ(record.flags, uint32_t{SLUICE_SERVICE_AFFINE});
  EXPECT_EQ(record.salt, 6U);
}

}  // namespace
}  // namespace sluice
