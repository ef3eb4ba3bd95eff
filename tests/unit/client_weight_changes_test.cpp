// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Weights of clients set and removed.
#include <gtest/gtest.h>

#include "control/views.h"
#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

class WeightChanges : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(add_service(dataplane, "web", web_endpoint));
    dataplane.written.clear();
  }
  void TearDown() override {
    EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{});
    EXPECT_EQ(dataplane.memory.pending, 0U);
  }
  std::string set(const char* prefix, uint32_t weight, Apply apply = Apply::perform) {
    return sentence(
        client_weight_set(dataplane, "web", Prefix::parse(prefix).value(), weight, apply));
  }
  std::string remove(const char* prefix) {
    return sentence(
        client_weight_remove(dataplane, "web", Prefix::parse(prefix).value(), Apply::perform));
  }

  MemoryDataplane dataplane;
};

TEST_F(WeightChanges, OneIsSetWithOneWriteAndThenAnother) {
  EXPECT_EQ(set("198.51.100.0/24", 3), "weight of 198.51.100.0/24 at web: 3");
  EXPECT_EQ(dataplane.written, std::vector<std::string>{"put_client_weight"});
  EXPECT_EQ(set("198.51.100.0/24", 2), "weight of 198.51.100.0/24 at web: 2");
  ASSERT_EQ(dataplane.memory.client_weights.size(), 1U);
  EXPECT_EQ(dataplane.memory.client_weights.begin()->second.weight, 2U);
}

TEST_F(WeightChanges, TheSameAgainIsSuccess) {
  set("198.51.100.7", 3);
  dataplane.written.clear();
  EXPECT_EQ(set("198.51.100.7", 3), "weight of 198.51.100.7 at web: is 3 already");
  EXPECT_TRUE(dataplane.written.empty());
}

TEST_F(WeightChanges, ADryRunWritesNothing) {
  EXPECT_EQ(set("198.51.100.7", 3, Apply::only_show), "weight of 198.51.100.7 at web: 3");
  EXPECT_TRUE(dataplane.written.empty());
}

TEST_F(WeightChanges, OneThatIsThereCanBeRemoved) {
  set("198.51.100.7", 3);
  EXPECT_EQ(remove("198.51.100.7"), "weight of 198.51.100.7 at web: removed");
  EXPECT_TRUE(dataplane.memory.client_weights.empty());
  EXPECT_EQ(remove("198.51.100.7"),
            "weight of 198.51.100.7 at web: there is none; see: sluice client-weight list web");
}

TEST_F(WeightChanges, TheyGoWithTheirService) {
  ASSERT_TRUE(add_service(dataplane, "other", "203.0.113.11:80/tcp"));
  set("198.51.100.7", 3);
  ASSERT_TRUE(client_weight_set(dataplane, "other", Prefix::parse("198.51.100.7").value(), 5,
                                Apply::perform));
  ASSERT_TRUE(service_remove(dataplane, "web", Apply::perform));
  ASSERT_EQ(dataplane.memory.client_weights.size(), 1U);
  EXPECT_EQ(dataplane.memory.client_weights.begin()->second.weight, 5U);
}

TEST_F(WeightChanges, ClientsOfTheOtherFamilyAreRefused) {
  EXPECT_EQ(set("2001:db8::/32", 3), "weight of 2001:db8::/32 at web: clients of " +
                                         std::string(web_endpoint) +
                                         " are of the other family, so it would never match");
}

TEST_F(WeightChanges, AFullTableSaysSo) {
  dataplane.limits.client_weights = 1;
  set("198.51.100.7", 3);
  EXPECT_EQ(set("198.51.100.8", 3), "weights of clients: 1 of 1 are in use; remove some");
  EXPECT_EQ(set("198.51.100.7", 4), "weight of 198.51.100.7 at web: 4");
}

TEST_F(WeightChanges, ListsAreByServiceAndPrefix) {
  set("198.51.100.7", 3);
  set("198.51.100.0/24", 2);
  const auto views = client_weight_views(dataplane, "web");
  ASSERT_TRUE(views);
  ASSERT_EQ(views->size(), 2U);
  EXPECT_EQ(views->at(0).weight.prefix.text(), "198.51.100.0/24");
  EXPECT_EQ(views->at(1).weight.weight, 3U);
  EXPECT_FALSE(client_weight_views(dataplane, "wbe"));
}

}  // namespace
}  // namespace sluice::test
