// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Filters allowed, denied, removed and cleared. After every call, support/memory_dataplane.h checks
// that no other client is denied.
#include <gtest/gtest.h>

#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

class FilterChanges : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(add_service(dataplane, "web", web_endpoint));
    ASSERT_TRUE(add_service(dataplane, "dns", "[2001:db8::53]:53/udp"));
    dataplane.written.clear();
  }
  void TearDown() override {
    EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{});
    EXPECT_EQ(dataplane.memory.pending, 0U);
  }
  std::string allow(const char* prefix, const char* service = "web") {
    return sentence(filter_add(dataplane, service, Prefix::parse(prefix).value(),
                               FilterAction::allow, Apply::perform));
  }
  std::string deny(const char* prefix, const char* service = "web") {
    return sentence(filter_add(dataplane, service, Prefix::parse(prefix).value(),
                               FilterAction::deny, Apply::perform));
  }
  std::string remove(const char* prefix) {
    return sentence(filter_remove(dataplane, "web", Prefix::parse(prefix).value(), Apply::perform));
  }
  std::vector<std::string> written() { return std::exchange(dataplane.written, {}); }
  [[nodiscard]] bool has(uint32_t flag) const {
    for (const TableEntry& entry : dataplane.memory.table) {
      if (entry.endpoint == endpoint(web_endpoint)) return (entry.flags & flag) != 0;
    }
    return false;
  }
  [[nodiscard]] bool filtered() const { return has(SLUICE_SERVICE_FILTERED); }
  [[nodiscard]] bool denies() const { return has(SLUICE_SERVICE_DENIES); }

  MemoryDataplane dataplane;
};

using Calls = std::vector<std::string>;

TEST_F(FilterChanges, AnEntryIsThereBeforeTheTableAsksForIt) {
  EXPECT_EQ(deny("198.51.100.0/24"), "filter 198.51.100.0/24 of web: denied");
  EXPECT_TRUE(filtered());
  EXPECT_FALSE(denies());
  EXPECT_EQ(written(), (Calls{"put_filters", "swap_service_table"}));
  EXPECT_EQ(allow("198.51.100.7"), "filter 198.51.100.7 of web: allowed");
  EXPECT_TRUE(denies());
  EXPECT_EQ(written(), (Calls{"put_filters", "swap_service_table"}));
  EXPECT_EQ(allow("192.0.2.0/24"), "filter 192.0.2.0/24 of web: allowed");
  EXPECT_EQ(written(), Calls{"put_filters"});
}

TEST_F(FilterChanges, AnEntryStaysUntilTheTableNoLongerAsksForIt) {
  allow("198.51.100.0/24");
  deny("198.51.100.7");
  written();
  EXPECT_EQ(remove("198.51.100.0/24"), "filter 198.51.100.0/24 of web: removed");
  EXPECT_EQ(written(), (Calls{"put_filters", "swap_service_table", "erase_filters"}));
  EXPECT_TRUE(filtered());
  EXPECT_FALSE(denies());
  EXPECT_EQ(remove("198.51.100.7"), "filter 198.51.100.7 of web: removed");
  EXPECT_FALSE(filtered());
  EXPECT_TRUE(dataplane.memory.filters.empty());
}

TEST_F(FilterChanges, OneOfSeveralAllowedPrefixesGoesWithoutOpeningTheService) {
  allow("198.51.100.0/24");
  allow("192.0.2.0/24");
  written();
  remove("192.0.2.0/24");
  EXPECT_EQ(written(), (Calls{"put_filters", "erase_filters"}));
  EXPECT_TRUE(denies());
}

TEST_F(FilterChanges, ClearMarksAllInOneCall) {
  allow("198.51.100.0/24");
  deny("198.51.100.7");
  deny("2001:db8:9::/48", "dns");
  written();
  EXPECT_EQ(sentence(filter_clear(dataplane, "web", Apply::perform)), "filters of web: cleared");
  EXPECT_EQ(written(), (Calls{"put_filters", "swap_service_table", "erase_filters"}));
  EXPECT_FALSE(filtered());
  EXPECT_EQ(dataplane.memory.filters.size(), 1U);
  const auto again = filter_clear(dataplane, "web", Apply::perform);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->needed);
  EXPECT_EQ(again->sentence, "filters of web: there are none");
}

TEST_F(FilterChanges, TheSameAgainIsSuccessAndWritesNothing) {
  deny("198.51.100.0/24");
  written();
  EXPECT_EQ(deny("198.51.100.0/24"), "filter 198.51.100.0/24 of web: is already so");
  EXPECT_TRUE(written().empty());
}

TEST_F(FilterChanges, RefusesWithOneSentenceAndWritesNothing) {
  deny("198.51.100.0/24");
  const Memory before = dataplane.memory;
  EXPECT_EQ(allow("198.51.100.0/24"),
            "filter 198.51.100.0/24 of web: is there already, to deny; change it with: sluice "
            "filter remove web 198.51.100.0/24");
  EXPECT_EQ(deny("2001:db8::/32"),
            "filter 2001:db8::/32 of web: clients of 203.0.113.10:443/tcp are of the other family, "
            "so it would never match");
  EXPECT_EQ(remove("192.0.2.0/24"),
            "filter 192.0.2.0/24 of web: no such filter; see: sluice filter list web");
  EXPECT_EQ(deny("192.0.2.0/24", "wbe"), "service \"wbe\": no such service (there are: dns, web)");
  dataplane.limits.filters = 1;
  EXPECT_EQ(deny("192.0.2.0/24"), "filters: 1 of 1 are in use; remove some");
  EXPECT_EQ(dataplane.memory, before);
}

TEST_F(FilterChanges, GoWithTheirServiceOnceItHasLeftTheTable) {
  allow("198.51.100.0/24");
  deny("2001:db8:9::/48", "dns");
  written();
  ASSERT_TRUE(service_remove(dataplane, "web", Apply::perform));
  const Calls calls = written();
  const auto swap = std::find(calls.begin(), calls.end(), "swap_service_table");
  const auto erase = std::find(calls.begin(), calls.end(), "erase_filters");
  EXPECT_LT(swap - calls.begin(), erase - calls.begin());
  EXPECT_NE(erase, calls.end());
  EXPECT_EQ(dataplane.memory.filters.size(), 1U);
}

}  // namespace
}  // namespace sluice::test
