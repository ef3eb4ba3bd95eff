// The packet path's table of services, read back as the packet path reads it.
#include "model/service_table.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

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
  EXPECT_EQ(service_table_buckets(0), 64U);
  EXPECT_EQ(service_table_buckets(64), 64U);
  EXPECT_EQ(service_table_buckets(65), 128U);
  EXPECT_EQ(service_table_buckets(1000), 1024U);
  EXPECT_EQ(service_table_buckets(1025), 2048U);
}

TEST(ServiceTable, OfNoServiceIsEmptyButThere) {
  auto table = service_table_layout({}, seed_of(1), 64);
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(table->size(), 64U);
  EXPECT_EQ(used_places(*table), 0U);
}

TEST(ServiceTable, EveryServiceIsFoundInOneOfItsTwoBuckets) {
  for (size_t count : {1U, 2U, 63U, 64U, 65U, 128U, 1000U, 1024U, 10000U}) {
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

// Under this seed a hash is the port alone, in its upper half: every first bucket is 0, every
// second one is the port's.
sluice_seed seed_of_ports() {
  sluice_seed seed{};
  seed.words[8] = uint64_t{1} << 40;
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
            "services: 5 endpoints found no layout in the 128 places of this instance's table; an "
            "instance for more services has a larger one");
}

TEST(ServiceTable, HasNoMoreThanItsPlaces) {
  EXPECT_FALSE(service_table_layout(services(129), seed_of(1), 64).has_value());
}

}  // namespace
}  // namespace sluice
