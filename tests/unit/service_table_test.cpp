// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The packet path's table of services, read back as the packet path reads it.
#include "model/service_table.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>

#include "model/address.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include "pure/hash.h"
#pragma GCC diagnostic pop

namespace sluice {
namespace {

sluice_seed seed_of(uint64_t number) {
  std::mt19937_64 random(number);
  sluice_seed seed{};
  for (auto& word : seed.words) word = random();
  return seed;
}

sluice_service_entry entry_of(const Endpoint& endpoint, uint32_t service) {
  sluice_service_entry entry{};
  entry.address = endpoint.address.raw();
  entry.port = htons(endpoint.port);
  entry.l4_proto = static_cast<uint8_t>(endpoint.l4_proto);
  entry.service = service;
  entry.flags = service % 2;
  return entry;
}

// As the packet path does it: two buckets, and no further.
const sluice_service_entry* find(const std::vector<sluice_service_bucket>& table,
                                 const sluice_service_entry& wanted, const sluice_seed& seed) {
  uint64_t high = 0;
  uint64_t low = 0;
  std::memcpy(&high, wanted.address.bytes, 8);
  std::memcpy(&low, wanted.address.bytes + 8, 8);
  const uint32_t hash = service_hash(seed.words, address_hash_sum(seed.words, high, low),
                                     service_word(wanted.port, wanted.l4_proto));
  const auto mask = static_cast<uint32_t>(table.size() - 1);
  for (uint32_t at : {service_hash_first(hash, mask), service_hash_second(hash, mask)}) {
    for (const sluice_service_entry& entry : table[at].entries) {
      if (entry.used != 0 && std::memcmp(&entry.address, &wanted.address, 16) == 0 &&
          entry.port == wanted.port && entry.l4_proto == wanted.l4_proto) {
        return &entry;
      }
    }
  }
  return nullptr;
}

size_t used_places(const std::vector<sluice_service_bucket>& table) {
  size_t used = 0;
  for (const auto& bucket : table) {
    for (const auto& entry : bucket.entries) used += entry.used;
  }
  return used;
}

// Many ports of few addresses of both families: what real configurations look like.
std::vector<sluice_service_entry> services(size_t count) {
  std::vector<sluice_service_entry> entries;
  for (size_t i = 0; i < count; i++) {
    Endpoint endpoint;
    const auto host = static_cast<unsigned>(i / 16 % 200 + 1);
    endpoint.address = Address::parse(i % 2 == 0 ? fmt::format("203.0.113.{}", host)
                                                 : fmt::format("2001:db8::{:x}", host))
                           .value();
    endpoint.port = static_cast<uint16_t>(80 + i / 4);
    endpoint.l4_proto = i / 2 % 2 == 0 ? L4Proto::tcp : L4Proto::udp;
    entries.push_back(entry_of(endpoint, static_cast<uint32_t>(i + 1)));
  }
  return entries;
}

TEST(ServiceTable, HasAPowerOfTwoBucketsAndIsAtMostHalfFull) {
  EXPECT_EQ(service_table_buckets(0), 1024U);
  EXPECT_EQ(service_table_buckets(1024), 1024U);
  EXPECT_EQ(service_table_buckets(1025), 2048U);
  EXPECT_EQ(service_table_buckets(service_table_entries(10000, 100000)), 131072U);
}

TEST(ServiceTable, OfNoServiceIsEmptyButThere) {
  auto table = service_table_layout({}, seed_of(1), 64);
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(table->size(), 64U);
  EXPECT_EQ(used_places(*table), 0U);
}

TEST(ServiceTable, EveryServiceIsFoundInOneOfItsTwoBuckets) {
  for (size_t count : {1U, 2U, 64U, 1000U, 1024U, 10000U, 16384U}) {
    for (uint64_t number = 1; number <= 20; number++) {
      const auto entries = services(count);
      const sluice_seed seed = seed_of(number);
      auto table = service_table_layout(entries, seed, service_table_buckets(entries.size()));
      ASSERT_TRUE(table.has_value()) << table.error().text;
      EXPECT_EQ(used_places(*table), count);
      for (const auto& wanted : entries) {
        const auto* found = find(*table, wanted, seed);
        ASSERT_NE(found, nullptr) << "service " << wanted.service << " of " << count;
        ASSERT_EQ(found->service, wanted.service);
        ASSERT_EQ(found->flags, wanted.flags);
      }
    }
  }
}

// Under one seed in fifty the low bits of such a hash take only few values.
TEST(ServiceTable, HoldsAddressesThatCountUpUnderAnySeed) {
  std::vector<sluice_service_entry> entries;
  for (size_t i = 0; i < 1024; i++) {
    sluice_service_entry entry{};
    entry.address.bytes[10] = entry.address.bytes[11] = 0xff;
    entry.address.bytes[14] = static_cast<uint8_t>(i >> 8);
    entry.address.bytes[15] = static_cast<uint8_t>(i);
    entries.push_back(entry);
  }
  for (uint64_t number = 1; number <= 500; number++) {
    EXPECT_TRUE(service_table_layout(entries, seed_of(number), 1024)) << number;
  }
}

TEST(ServiceTable, HoldsWhatALargeInstanceMayHaveInIt) {
  const size_t count = 131072;
  std::vector<sluice_service_entry> entries;
  for (size_t i = 0; i < count; i++) {
    sluice_service_entry entry{};
    entry.address.bytes[10] = entry.address.bytes[11] = 0xff;
    entry.address.bytes[12] = 10;
    entry.address.bytes[13] = static_cast<uint8_t>(i >> 16);
    entry.address.bytes[14] = static_cast<uint8_t>(i >> 8);
    entry.address.bytes[15] = static_cast<uint8_t>(i);
    entry.l4_proto = 6;
    entries.push_back(entry);
  }
  ASSERT_EQ(service_table_buckets(count), 131072U);
  for (uint64_t number = 1; number <= 3; number++) {
    EXPECT_TRUE(service_table_layout(entries, seed_of(number), 131072)) << number;
  }
}

bool has_bit(const sluice_address_filter& filter, const char* text, const sluice_seed& seed) {
  uint64_t halves[2];
  std::memcpy(halves, Address::parse(text)->raw().bytes, sizeof(halves));
  const uint32_t bit = address_filter_bit(address_hash_sum(seed.words, halves[0], halves[1]));
  return (filter.words[bit / 64] >> (bit % 64) & 1) != 0;
}

TEST(AddressFilter, HasABitForEveryAddressAndNextToNoneForOthers) {
  const sluice_seed seed = seed_of(5);
  const auto entries = services(100);
  const auto filter = address_filter_of(entries, false, seed);
  size_t bits = 0;
  for (const uint64_t word : filter.words) bits += static_cast<size_t>(std::popcount(word));
  // 100 services of 16 at each address.
  EXPECT_LE(bits, 14U);
  EXPECT_TRUE(has_bit(filter, "203.0.113.1", seed));
  EXPECT_TRUE(has_bit(filter, "2001:db8::7", seed));
  EXPECT_FALSE(has_bit(filter, "203.0.113.8", seed));
  EXPECT_EQ(filter.features, 0U);
}

TEST(AddressFilter, SaysWhatElseTheTableHas) {
  const sluice_seed seed = seed_of(5);
  auto entries = services(1);
  entries.front().port = 0;
  EXPECT_EQ(address_filter_of(entries, false, seed).features, SLUICE_FEATURE_ANY_PORT);
  entries = services(1);
  entries.front().flags = SLUICE_SERVICE_NAT_REPLIES;
  EXPECT_EQ(address_filter_of(entries, false, seed).features, SLUICE_FEATURE_NAT);
  const auto prefixes = address_filter_of({}, true, seed);
  EXPECT_EQ(prefixes.features, SLUICE_FEATURE_PREFIXES);
  for (const uint64_t word : prefixes.words) EXPECT_EQ(word, ~uint64_t{0});
}

TEST(AddressFilter, OfTwoTablesHasWhatEitherNeeds) {
  sluice_address_filter a{};
  sluice_address_filter b{};
  a.features = SLUICE_FEATURE_NAT;
  b.features = SLUICE_FEATURE_PREFIXES;
  a.words[7] = 1;
  b.words[7] = 2;
  b.words[1023] = 4;
  const auto both = address_filter_union(a, b);
  EXPECT_EQ(both.features, uint32_t{SLUICE_FEATURE_NAT | SLUICE_FEATURE_PREFIXES});
  EXPECT_EQ(both.words[7], 3U);
  EXPECT_EQ(both.words[1023], 4U);
}

TEST(ServiceTable, AnEndpointOfAnyPortAndProtocolHasAPlaceToo) {
  const sluice_seed seed = seed_of(3);
  auto entries = services(10);
  sluice_service_entry replies{};
  replies.address = Address::parse("192.0.2.1")->raw();
  replies.flags = SLUICE_SERVICE_REPLIES;
  entries.push_back(replies);
  auto table = service_table_layout(entries, seed, service_table_buckets(entries.size()));
  ASSERT_TRUE(table.has_value());
  const auto* found = find(*table, replies, seed);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->flags, SLUICE_SERVICE_REPLIES);
  EXPECT_EQ(found->service, 0U);
}

// Under this seed a hash is the port (and a constant), in both halves: every first bucket is 0,
// every second one is the port's.
sluice_seed seed_of_ports() {
  sluice_seed seed{};
  seed.words[8] = uint64_t{0x10001} << 32;
  return seed;
}

TEST(ServiceTable, EntriesThatHaveAPlaceAreMovedForOneThatHasNone) {
  std::vector<sluice_service_entry> entries;
  for (uint16_t raw_port : std::initializer_list<uint16_t>{1, 2, 0}) {
    sluice_service_entry entry{};
    entry.port = raw_port;
    entry.service = raw_port + 1U;
    entries.push_back(entry);
  }
  auto table = service_table_layout(entries, seed_of_ports(), 64);
  ASSERT_TRUE(table.has_value()) << table.error().text;
  for (const auto& wanted : entries) ASSERT_NE(find(*table, wanted, seed_of_ports()), nullptr);
  EXPECT_EQ((*table)[0].entries[0].used + (*table)[0].entries[1].used, 2);
}

TEST(ServiceTable, SaysSoWhereThereIsNoLayout) {
  auto table = service_table_layout(services(5), sluice_seed{}, 64);
  ASSERT_FALSE(table.has_value());
  EXPECT_EQ(table.error().kind, ErrorKind::failed);
  EXPECT_EQ(table.error().text,
            "services: 5 endpoints found no layout in the 128 entries of this instance's table; an "
            "instance for more services has a larger one");
}

TEST(ServiceTable, HasNoMoreThanItsPlaces) {
  EXPECT_FALSE(service_table_layout(services(129), seed_of(1), 64).has_value());
}

}  // namespace
}  // namespace sluice
