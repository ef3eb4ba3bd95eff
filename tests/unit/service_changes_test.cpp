// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Services added, set and removed: what is written, what is said, what is refused.
#include <gtest/gtest.h>

#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

TEST(ServiceAdd, WritesTheServiceItsEndpointAndItsTableEntry) {
  MemoryDataplane dataplane;
  const auto change = add_service(dataplane, "web", web_endpoint);

  ASSERT_TRUE(change);
  EXPECT_TRUE(change->needed);
  EXPECT_EQ(change->sentence, "service web: added 203.0.113.10:443/tcp, mode snat");
  Service web;
  web.name = "web";
  web.endpoint = endpoint(web_endpoint);
  web.number = 1;
  EXPECT_EQ(service_in(dataplane.memory, "web"), web);
  const Endpoint pinged{address("203.0.113.10"), 0, L4Proto::icmp};
  const std::vector<TableEntry> table{
      {.endpoint = pinged, .service = 1, .flags = SLUICE_SERVICE_ADDRESS},
      {.endpoint = endpoint(web_endpoint), .service = 1, .flags = SLUICE_SERVICE_TRANSLATED}};
  EXPECT_EQ(dataplane.memory.table, table);
  const std::map<Endpoint, uint32_t, EndpointOrder> endpoints{{pinged, 1},
                                                              {endpoint(web_endpoint), 1}};
  EXPECT_EQ(dataplane.memory.endpoints, endpoints);
  EXPECT_TRUE(dataplane.memory.rings.empty());
  EXPECT_EQ(dataplane.memory.pending, 0U);
  EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{});
}

TEST(ServiceAdd, TheSameAgainIsSuccessAndWritesNothing) {
  MemoryDataplane dataplane;
  ASSERT_TRUE(add_service(dataplane, "web", web_endpoint));
  dataplane.written.clear();

  const auto change = add_service(dataplane, "web", web_endpoint);
  ASSERT_TRUE(change);
  EXPECT_FALSE(change->needed);
  EXPECT_EQ(change->sentence, "service web: is already so");
  EXPECT_TRUE(dataplane.written.empty());
}

TEST(ServiceAdd, GivesTheLowestFreeNumber) {
  MemoryDataplane dataplane;
  ASSERT_TRUE(add_service(dataplane, "one", "203.0.113.1:80/tcp"));
  ASSERT_TRUE(add_service(dataplane, "two", "203.0.113.2:80/tcp"));
  ASSERT_TRUE(service_remove(dataplane, "one", Apply::perform));
  ASSERT_TRUE(add_service(dataplane, "three", "203.0.113.3:80/tcp"));
  EXPECT_EQ(service_in(dataplane.memory, "three").number, 1U);
}

TEST(ServiceAdd, OneAddressServesManyPortsAndProtocols) {
  MemoryDataplane dataplane;
  EXPECT_TRUE(add_service(dataplane, "dns-udp", "203.0.113.53:53/udp"));
  EXPECT_TRUE(add_service(dataplane, "dns-tcp", "203.0.113.53:53/tcp"));
  EXPECT_TRUE(add_service(dataplane, "dot", "203.0.113.53:853/tcp"));
  // And the address once.
  EXPECT_EQ(dataplane.memory.table.size(), 4U);
}

struct Refusal {
  const char* name;
  const char* where;
  Mode mode;
  ErrorKind kind;
  const char* text;
};

TEST(ServiceAdd, RefusesWithOneSentenceAndWritesNothing) {
  const Refusal refusals[] = {
      {"web", "203.0.113.99:443/tcp", Mode::snat, ErrorKind::misused,
       "service web: is there already, as 203.0.113.10:443/tcp, mode snat; change it with: sluice "
       "service remove web"},
      {"web", web_endpoint, Mode::ipip, ErrorKind::misused,
       "service web: is there already, as 203.0.113.10:443/tcp, mode snat; change it with: sluice "
       "service set web --mode ipip"},
      {"wob", web_endpoint, Mode::snat, ErrorKind::misused,
       "service wob: 203.0.113.10:443/tcp belongs to service web already"},
      {"any", "0.0.0.0:80/tcp", Mode::snat, ErrorKind::misused,
       "service any: 0.0.0.0:80/tcp: the unspecified address is no packet's destination"},
      {"any6", "[::]:80/tcp", Mode::snat, ErrorKind::misused,
       "service any6: [::]:80/tcp: the unspecified address is no packet's destination"},
      {"all", "224.0.0.1:80/udp", Mode::snat, ErrorKind::misused,
       "service all: 224.0.0.1:80/udp: a multicast address has no backends to choose from"},
      {"all6", "[ff02::1]:80/udp", Mode::snat, ErrorKind::misused,
       "service all6: [ff02::1]:80/udp: a multicast address has no backends to choose from"},
      {"more", "203.0.113.98:80/tcp", Mode::snat, ErrorKind::failed,
       "services: 1 of 1 are in use, which leaves no room for more; remove some first, or make an "
       "instance with more"},
  };
  MemoryDataplane dataplane;
  dataplane.limits.services = 1;
  ASSERT_TRUE(add_service(dataplane, "web", web_endpoint));
  const Memory before = dataplane.memory;
  for (const Refusal& refusal : refusals) {
    const auto change = add_service(dataplane, refusal.name, refusal.where, refusal.mode);
    EXPECT_EQ(sentence(change), refusal.text);
    ASSERT_FALSE(change) << refusal.text;
    EXPECT_EQ(kind(change), refusal.kind) << refusal.text;
    EXPECT_EQ(dataplane.memory, before) << refusal.text;
  }
}

TEST(ServiceAdd, RefusesANameThatIsNone) {
  MemoryDataplane dataplane;
  const auto change = add_service(dataplane, "../web", web_endpoint);
  ASSERT_FALSE(change);
  EXPECT_EQ(kind(change), ErrorKind::misused);
  EXPECT_EQ(dataplane.calls, 0U);
}

TEST(ServiceSet, ChangesTheModeOfAServiceWithoutBackends) {
  MemoryDataplane dataplane;
  ASSERT_TRUE(add_service(dataplane, "web", web_endpoint));
  EXPECT_EQ(sentence(service_set(dataplane, "web", {{&Service::mode, Mode::ipip}}, Apply::perform)),
            "service web: mode ipip");
  EXPECT_EQ(service_in(dataplane.memory, "web").mode, Mode::ipip);
  EXPECT_EQ(dataplane.memory.table.at(1).flags, 0U);

  const auto again = service_set(dataplane, "web", {{&Service::mode, Mode::ipip}}, Apply::perform);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->needed);
  EXPECT_EQ(again->sentence, "service web: is already so");
}

TEST(ServiceSet, RefusesWhileThereAreBackends) {
  MemoryDataplane dataplane;
  ASSERT_TRUE(add_service(dataplane, "web", web_endpoint));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  auto change = service_set(dataplane, "web", {{&Service::mode, Mode::ipip}}, Apply::perform);
  ASSERT_FALSE(change);
  EXPECT_EQ(kind(change), ErrorKind::misused);
  EXPECT_EQ(sentence(change),
            "service web: has 1 backend, whose connections depend on mode snat; remove it first");

  ASSERT_TRUE(add_backend(dataplane, "web", backend_two));
  EXPECT_EQ(sentence(service_set(dataplane, "web", {{&Service::mode, Mode::ipip}}, Apply::perform)),
            "service web: has 2 backends, whose connections depend on mode snat; remove them "
            "first");
  ASSERT_TRUE(backend_remove(dataplane, "web", at(backend_one), Apply::perform));
  ASSERT_TRUE(backend_remove(dataplane, "web", at(backend_two), Apply::perform));
  EXPECT_TRUE(service_set(dataplane, "web", {{&Service::mode, Mode::ipip}}, Apply::perform));
}

Result<Change> set(MemoryDataplane& dataplane, const ServicePatch& patch) {
  return service_set(dataplane, "web", patch, Apply::perform);
}

TEST(ServiceSet, LeavesWhatThePatchDoesNotName) {
  MemoryDataplane dataplane;
  ASSERT_TRUE(service_add(dataplane, "web", endpoint("203.0.113.10:443/udp"),
                          {{&Service::mode, Mode::gue}, {&Service::gue_variant, 0}},
                          Apply::perform));
  EXPECT_EQ(sentence(set(dataplane, {{&Service::affinity, Affinity::client}})),
            "service web: mode gue, GUE variant 0, affinity client");
  EXPECT_EQ(sentence(set(dataplane, {{&Service::quic, true}})),
            "service web: mode gue, GUE variant 0, affinity client, QUIC");
  // A variant is of mode gue alone.
  EXPECT_EQ(sentence(set(dataplane, {{&Service::mode, Mode::l2}})),
            "service web: mode l2, affinity client, QUIC");
  EXPECT_EQ(sentence(set(dataplane, {{&Service::mode, Mode::gue}, {&Service::quic, false}})),
            "service web: mode gue, affinity client");
  EXPECT_EQ(sentence(set(dataplane, {{&Service::gue_variant, 1}})), "service web: is already so");
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  EXPECT_EQ(sentence(set(dataplane, {{&Service::affinity, Affinity::flow}})),
            "service web: has 1 backend, whose connections depend on mode gue, affinity client; "
            "remove it first");
  EXPECT_EQ(sentence(set(dataplane, {{&Service::affinity, Affinity::client}})),
            "service web: is already so");
}

TEST(ServiceSet, RefusesOptionsThatDoNotGoTogether) {
  MemoryDataplane dataplane;
  ASSERT_TRUE(add_service(dataplane, "web", "203.0.113.0/24:443/tcp"));
  const Memory before = dataplane.memory;
  EXPECT_EQ(sentence(set(dataplane, {{&Service::quic, true}})),
            "service web: QUIC runs over UDP, and 203.0.113.0/24:443/tcp is TCP");
  EXPECT_EQ(
      sentence(set(dataplane, {{&Service::gue_variant, 0}})),
      "service web: GUE variant is for mode gue, and the mode is snat; take gue-variant away, or "
      "use mode gue");
  EXPECT_EQ(sentence(set(dataplane, {{&Service::mode, Mode::nat}})),
            "service web: mode nat keeps no state, so a reply could not tell which address of "
            "203.0.113.0/24 it is from; use mode snat, or one address");
  EXPECT_EQ(dataplane.memory, before);
}

TEST(ServiceAdd, SaysHowItDiffersFromTheOneThatIsThere) {
  MemoryDataplane dataplane;
  ASSERT_TRUE(add_service(dataplane, "dns", "203.0.113.53:53/udp"));
  const auto change = service_add(dataplane, "dns", endpoint("203.0.113.53:53/udp"),
                                  {{&Service::mode, Mode::gue},
                                   {&Service::affinity, Affinity::client},
                                   {&Service::gue_variant, 0},
                                   {&Service::quic, true}},
                                  Apply::perform);
  EXPECT_EQ(sentence(change),
            "service dns: is there already, as 203.0.113.53:53/udp, mode snat; change it with: "
            "sluice service set dns --mode gue --gue-variant 0 --affinity client --quic");
}

TEST(ServiceAdd, RefusesAPrefixThatOverlapsAnotherService) {
  MemoryDataplane dataplane;
  ASSERT_TRUE(add_service(dataplane, "all", "203.0.113.0/24:443/tcp"));
  ASSERT_TRUE(add_service(dataplane, "one", "198.51.100.7:80/tcp"));
  ASSERT_TRUE(add_service(dataplane, "any", "[2001:db8::/64]:0/tcp"));
  const Memory before = dataplane.memory;
  const std::pair<const char*, const char*> refusals[] = {
      {"203.0.113.10:443/tcp", "203.0.113.0/24:443/tcp of service all"},
      {"203.0.113.0/25:443/tcp", "203.0.113.0/24:443/tcp of service all"},
      {"203.0.112.0/23:443/tcp", "203.0.113.0/24:443/tcp of service all"},
      {"203.0.113.10:0/tcp", "203.0.113.0/24:443/tcp of service all"},
      {"198.51.100.0/24:80/tcp", "198.51.100.7:80/tcp of service one"},
      {"198.51.100.0/24:0/tcp", "198.51.100.7:80/tcp of service one"},
      {"[2001:db8::10]:80/tcp", "[2001:db8::/64]:0/tcp of service any"},
  };
  for (const auto& [where, what] : refusals) {
    const auto change = add_service(dataplane, "more", where);
    EXPECT_EQ(sentence(change), fmt::format("service more: {} overlaps {}", where, what));
    ASSERT_FALSE(change);
    EXPECT_EQ(kind(change), ErrorKind::misused);
    EXPECT_EQ(dataplane.memory, before);
  }
  // Other ports, other protocols, other addresses; and of one address any port beside one.
  for (const char* where :
       {"203.0.113.10:80/tcp", "203.0.113.0/24:443/udp", "203.0.114.0/24:443/tcp",
        "198.51.100.7:0/tcp", "[2001:db8:0:1::10]:80/tcp"}) {
    const auto change = add_service(dataplane, fmt::format("s{}", dataplane.calls), where);
    EXPECT_TRUE(change) << sentence(change);
  }
}

TEST(ServiceRemove, TakesItsBackendsPolicyRingAndCountersWithIt) {
  MemoryDataplane dataplane = busy();
  const uint32_t web = service_in(dataplane.memory, "web").number;
  EXPECT_EQ(sentence(service_remove(dataplane, "web", Apply::perform)),
            "service web: removed, with 3 backends");

  const Memory& memory = dataplane.memory;
  EXPECT_THROW(service_in(memory, "web"), std::out_of_range);
  EXPECT_FALSE(memory.policies.contains(web));
  EXPECT_FALSE(memory.rings.contains(web));
  EXPECT_FALSE(memory.no_backend.contains(web));
  EXPECT_EQ(memory.backends.size(), 8U);
  EXPECT_EQ(memory.records.size(), 8U);
  EXPECT_EQ(memory.traffic.size(), 8U);
  EXPECT_EQ(memory.backends_with_tracked_flows.size(), 8U);
  // No snat backend is left, so no address is left that its replies would come to.
  // Five services, their addresses, and the one backend of mode nat.
  ASSERT_EQ(memory.table.size(), 11U);
  for (const TableEntry& entry : memory.table) EXPECT_EQ(entry.flags & SLUICE_SERVICE_REPLIES, 0U);
  // Of the prefix only its backend.
  EXPECT_EQ(memory.endpoints.size(), 8U + 8U);
  EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{});
}

TEST(ServiceRemove, LeavesTheServiceTableBeforeAnythingElseGoes) {
  MemoryDataplane dataplane = busy();
  ASSERT_TRUE(service_remove(dataplane, "web", Apply::perform));
  const std::vector<std::string> first(dataplane.written.begin(), dataplane.written.begin() + 3);
  EXPECT_EQ(first, (std::vector<std::string>{"put_service", "swap_service_table", "erase_ring"}));
  // The configuration is what a removal that was cut off is found by.
  const auto erased =
      std::find(dataplane.written.begin(), dataplane.written.end(), "erase_service");
  const std::vector<std::string> last(erased, dataplane.written.end());
  EXPECT_EQ(last,
            (std::vector<std::string>{"erase_service", "set_endpoints", "swap_service_table"}));
}

TEST(ServiceRemove, SaysWhichServicesThereAre) {
  MemoryDataplane dataplane;
  auto change = service_remove(dataplane, "wbe", Apply::perform);
  ASSERT_FALSE(change);
  EXPECT_EQ(kind(change), ErrorKind::misused);
  EXPECT_EQ(sentence(change),
            "service \"wbe\": no such service (there is none; add one with: sluice service add "
            "NAME ADDRESS:PORT/tcp)");

  ASSERT_TRUE(add_service(dataplane, "web", web_endpoint));
  EXPECT_EQ(sentence(service_remove(dataplane, "wbe", Apply::perform)),
            "service \"wbe\": no such service (there is: web)");
  ASSERT_TRUE(add_service(dataplane, "api", "203.0.113.20:80/tcp"));
  EXPECT_EQ(sentence(service_remove(dataplane, "wbe", Apply::perform)),
            "service \"wbe\": no such service (there are: api, web)");
  for (int i = 0; i < 8; i++) {
    ASSERT_TRUE(
        add_service(dataplane, fmt::format("b{}", i), fmt::format("203.0.113.3{}:80/tcp", i)));
  }
  EXPECT_EQ(sentence(service_remove(dataplane, "wbe", Apply::perform)),
            "service \"wbe\": no such service (there are: api, b0, b1, b2, b3, b4, b5, b6 and 2 "
            "more)");
}

}  // namespace
}  // namespace sluice::test
