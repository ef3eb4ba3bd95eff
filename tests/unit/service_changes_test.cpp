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
  const Service web{"web", endpoint(web_endpoint), Mode::snat, 1, 0, false, {}};
  EXPECT_EQ(service_in(dataplane.memory, "web"), web);
  const std::vector<TableEntry> table{
      {.endpoint = endpoint(web_endpoint), .service = 1, .translated = true}};
  EXPECT_EQ(dataplane.memory.table, table);
  const std::vector<std::pair<Endpoint, uint32_t>> endpoints{{endpoint(web_endpoint), 1}};
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
  EXPECT_EQ(dataplane.memory.table.size(), 3U);
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
       "services: 1 of 1 are in use; remove some, or make an instance with more"},
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
  EXPECT_EQ(sentence(service_set(dataplane, "web", Mode::ipip, Apply::perform)),
            "service web: mode ipip");
  EXPECT_EQ(service_in(dataplane.memory, "web").mode, Mode::ipip);
  EXPECT_FALSE(dataplane.memory.table.at(0).translated);

  const auto again = service_set(dataplane, "web", Mode::ipip, Apply::perform);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->needed);
  EXPECT_EQ(again->sentence, "service web: is already so");
}

TEST(ServiceSet, RefusesWhileThereAreBackends) {
  MemoryDataplane dataplane;
  ASSERT_TRUE(add_service(dataplane, "web", web_endpoint));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  auto change = service_set(dataplane, "web", Mode::ipip, Apply::perform);
  ASSERT_FALSE(change);
  EXPECT_EQ(kind(change), ErrorKind::misused);
  EXPECT_EQ(sentence(change),
            "service web: has 1 backend, whose connections depend on mode snat; remove it first");

  ASSERT_TRUE(add_backend(dataplane, "web", backend_two));
  EXPECT_EQ(sentence(service_set(dataplane, "web", Mode::ipip, Apply::perform)),
            "service web: has 2 backends, whose connections depend on mode snat; remove them "
            "first");
  ASSERT_TRUE(backend_remove(dataplane, "web", at(backend_one), Apply::perform));
  ASSERT_TRUE(backend_remove(dataplane, "web", at(backend_two), Apply::perform));
  EXPECT_TRUE(service_set(dataplane, "web", Mode::ipip, Apply::perform));
}

TEST(ServiceRemove, TakesItsBackendsPolicyRingAndCountersWithIt) {
  MemoryDataplane dataplane = busy();
  const uint32_t web = service_in(dataplane.memory, "web").number;
  EXPECT_EQ(sentence(service_remove(dataplane, "web", Apply::perform)),
            "service web: removed, with 3 backends");

  const Memory& memory = dataplane.memory;
  EXPECT_FALSE(memory.services.contains("web"));
  EXPECT_FALSE(memory.policies.contains(web));
  EXPECT_FALSE(memory.rings.contains(web));
  EXPECT_FALSE(memory.no_backend.contains(web));
  EXPECT_EQ(memory.backends.size(), 6U);
  EXPECT_EQ(memory.records.size(), 6U);
  EXPECT_EQ(memory.traffic.size(), 6U);
  EXPECT_EQ(memory.backends_with_tracked_flows.size(), 6U);
  // No snat backend is left, so no address is left that its replies would come to.
  ASSERT_EQ(memory.table.size(), 3U);
  for (const TableEntry& entry : memory.table) EXPECT_FALSE(entry.replies);
  EXPECT_EQ(memory.endpoints.size(), 3U + 6U);
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
