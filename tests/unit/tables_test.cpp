// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the packet path finds services by, for services of every kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/derive.h"
#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

using testing::UnorderedElementsAre;

class Tables : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{}); }
  void add(const char* name, const char* where, const ServicePatch& patch) {
    const auto added = service_add(dataplane, name, endpoint(where), patch, Apply::perform);
    ASSERT_TRUE(added) << sentence(added);
  }
  [[nodiscard]] const TableEntry* entry(const Endpoint& wanted) const {
    for (const TableEntry& each : dataplane.memory.table) {
      if (each.endpoint == wanted) return &each;
    }
    return nullptr;
  }
  [[nodiscard]] uint32_t flags(const char* where) const { return entry(endpoint(where))->flags; }

  MemoryDataplane dataplane;
};

Endpoint pinged(const char* text) {
  const Prefix prefix = Prefix::parse(text).value();
  return {prefix.address, 0, prefix.address.is_v4() ? L4Proto::icmp : L4Proto::icmpv6, prefix.bits};
}

TEST_F(Tables, AnAddressIsThereOnceUnderItsLowestService) {
  add("dns", "203.0.113.10:53/udp", {});
  add("web", "203.0.113.10:80/tcp", {});
  add("web6", "[2001:db8::10]:80/tcp", {});
  ASSERT_TRUE(service_remove(dataplane, "dns", Apply::perform));
  const TableEntry v4{pinged("203.0.113.10"), 2, SLUICE_SERVICE_ADDRESS, 0};
  const TableEntry v6{pinged("2001:db8::10"), 3, SLUICE_SERVICE_ADDRESS, 0};
  ASSERT_NE(entry(v4.endpoint), nullptr);
  EXPECT_EQ(*entry(v4.endpoint), v4);
  ASSERT_NE(entry(v6.endpoint), nullptr);
  EXPECT_EQ(*entry(v6.endpoint), v6);
  EXPECT_EQ(dataplane.memory.table.size(), 4U);
  const std::pair<Endpoint, uint32_t> endpoints[] = {{v4.endpoint, 2}, {v6.endpoint, 3}};
  for (const auto& wanted : endpoints) {
    EXPECT_EQ(dataplane.memory.endpoints.at(wanted.first), wanted.second);
  }
}

TEST_F(Tables, FlagsSayWhatTheServiceAsksFor) {
  add("ipip", "203.0.113.1:80/tcp", {{&Service::mode, Mode::ipip}});
  add("snat", "203.0.113.2:80/tcp", {{&Service::mode, Mode::snat}});
  add("client", "203.0.113.3:80/tcp",
      {{&Service::mode, Mode::gue}, {&Service::affinity, Affinity::client}});
  add("each", "203.0.113.4:80/tcp",
      {{&Service::mode, Mode::l2}, {&Service::affinity, Affinity::client_service}});
  add("h3", "203.0.113.5:443/udp", {{&Service::mode, Mode::ipip}, {&Service::quic, true}});
  EXPECT_EQ(flags("203.0.113.1:80/tcp"), 0U);
  EXPECT_EQ(flags("203.0.113.2:80/tcp"), uint32_t{SLUICE_SERVICE_TRANSLATED});
  EXPECT_EQ(flags("203.0.113.3:80/tcp"), uint32_t{SLUICE_SERVICE_AFFINE});
  EXPECT_EQ(flags("203.0.113.4:80/tcp"), uint32_t{SLUICE_SERVICE_AFFINE});
  EXPECT_EQ(flags("203.0.113.5:443/udp"), uint32_t{SLUICE_SERVICE_QUIC});
  EXPECT_EQ(entry(endpoint("203.0.113.3:80/tcp"))->salt, 0U);
  EXPECT_EQ(entry(endpoint("203.0.113.4:80/tcp"))->salt,
            affinity_salt(service_in(dataplane.memory, "each")));
  EXPECT_NE(entry(endpoint("203.0.113.4:80/tcp"))->salt, 0U);
}

TEST_F(Tables, PrefixesStandBesideTheirAddressesAndAreNoEndpoint) {
  add("all", "203.0.113.0/24:443/tcp", {{&Service::mode, Mode::ipip}});
  add("any", "203.0.113.10:0/udp", {{&Service::mode, Mode::ipip}});
  EXPECT_THAT(
      dataplane.memory.table,
      UnorderedElementsAre(TableEntry{endpoint("203.0.113.0/24:443/tcp"), 1, 0, 0},
                           TableEntry{pinged("203.0.113.0/24"), 1, SLUICE_SERVICE_ADDRESS, 0},
                           TableEntry{endpoint("203.0.113.10:0/udp"), 2, 0, 0},
                           TableEntry{pinged("203.0.113.10"), 2, SLUICE_SERVICE_ADDRESS, 0}));
  const std::map<Endpoint, uint32_t, EndpointOrder> endpoints{{endpoint("203.0.113.10:0/udp"), 2},
                                                              {pinged("203.0.113.10"), 2}};
  EXPECT_EQ(dataplane.memory.endpoints, endpoints);
}

TEST_F(Tables, NatBackendsAreKnownBeforeTheRingSendsToThemAndAsLongAsItDoes) {
  add("web", web_endpoint, {{&Service::mode, Mode::nat}});
  dataplane.written.clear();
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  EXPECT_EQ(dataplane.written,
            (std::vector<std::string>{"put_backend", "write_backend", "set_endpoint",
                                      "swap_service_table", "put_service", "swap_ring"}));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_two));
  const TableEntry two{endpoint("10.0.0.12:8443/tcp"), 1, SLUICE_SERVICE_NAT_REPLIES, 2};
  EXPECT_EQ(*entry(two.endpoint), two);
  dataplane.written.clear();
  ASSERT_TRUE(backend_remove(dataplane, "web", at(backend_two), Apply::perform));
  EXPECT_EQ(entry(two.endpoint), nullptr);
  EXPECT_EQ(dataplane.written.back(), "swap_service_table");
  ASSERT_TRUE(service_remove(dataplane, "web", Apply::perform));
  EXPECT_TRUE(dataplane.memory.table.empty());
}

TEST_F(Tables, NatBackendsOfAnyPortAnswerFromAnyPort) {
  add("all", "203.0.113.10:0/tcp", {{&Service::mode, Mode::nat}});
  ASSERT_TRUE(add_backend(dataplane, "all", "10.0.0.11:0"));
  const TableEntry wanted{
      {address("10.0.0.11"), 0, L4Proto::tcp}, 1, SLUICE_SERVICE_NAT_REPLIES, 1};
  EXPECT_EQ(*entry(wanted.endpoint), wanted);
}

TEST_F(Tables, OneClientHasOneBackendInAllServicesOfTheSameServers) {
  add("web", "203.0.113.10:80/tcp", {{&Service::affinity, Affinity::client}});
  add("tls", "203.0.113.10:443/tcp", {{&Service::affinity, Affinity::client}});
  for (const char* host : {"10.0.0.13", "10.0.0.11", "10.0.0.12"}) {
    ASSERT_TRUE(add_backend(dataplane, "web", fmt::format("{}:80", host)));
  }
  for (const char* host : {"10.0.0.11", "10.0.0.12", "10.0.0.13"}) {
    ASSERT_TRUE(add_backend(dataplane, "tls", fmt::format("{}:8443", host)));
  }
  const Ring& web = ring_in(dataplane.memory, "web");
  const Ring& tls = ring_in(dataplane.memory, "tls");
  ASSERT_EQ(web.size(), tls.size());
  const auto address_in = [&](const RingSlot& slot) {
    return dataplane.memory.records.at(slot.backend).at.address.text();
  };
  std::map<std::string, size_t> slots;
  for (size_t i = 0; i < web.size(); i++) {
    ASSERT_EQ(address_in(web[i]), address_in(tls[i])) << "slot " << i;
    slots[address_in(web[i])]++;
  }
  EXPECT_EQ(slots.size(), 3U);
}

}  // namespace
}  // namespace sluice::test
