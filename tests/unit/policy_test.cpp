// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Policies: their limits, and how each is spelled.
#include "model/policy.h"

#include <gtest/gtest.h>

#include <set>

#include "sluice/limits.h"

namespace sluice {
namespace {

std::string error_of(const Result<uint32_t>& result) {
  return result ? "" : result.error().text;
}

TEST(Policy, EveryLimitIsReadAsItIsWritten) {
  const std::vector<std::string> values{"50mbit",  "1gbit", "256kib", "20mbit",  "2000/s",
                                        "200mbit", "3",     "0.5%",   "12.0001%"};
  ASSERT_EQ(values.size(), policy_limits().size());
  PolicyPatch patch;
  for (size_t i = 0; i < values.size(); i++) {
    const PolicyLimit& limit = policy_limits()[i];
    const auto value = parse_limit(limit, values[i]);
    ASSERT_TRUE(value) << limit.name << ": " << value.error().text;
    patch.push_back({limit.value, *value});
    EXPECT_EQ(limit_text(limit, policy_with(patch, {})), values[i]);
    EXPECT_EQ(parse_limit(limit, "none").value(), 0U);
    EXPECT_EQ(limit_text(limit, {}), "none");
    EXPECT_FALSE(parse_limit(limit, "0"));
    EXPECT_FALSE(parse_limit(limit, "-1"));
    EXPECT_FALSE(parse_limit(limit, ""));
  }
  EXPECT_EQ(policy_text(policy_with(patch, {})),
            "flow rate 50mbit, rate 1gbit, window 256kib, window rate 20mbit, connection rate "
            "2000/s, ingress rate 200mbit, flow weight 3, loss 0.5%, mark 12.0001%");
}

TEST(Policy, EachLimitHasAMemberOfItsOwn) {
  std::set<std::string_view> fields;
  for (const PolicyLimit& limit : policy_limits()) {
    Policy policy;
    policy.*limit.value = 7;
    for (const PolicyLimit& other : policy_limits()) {
      EXPECT_EQ(policy.*other.value == 7, &other == &limit) << limit.name << ", " << other.name;
    }
    EXPECT_EQ(policy_with({{limit.value, 7}}, {}), policy);
    EXPECT_TRUE(fields.insert(limit.field).second);
  }
}

TEST(Policy, AnEmptyPatchChangesNothing) {
  const Policy policy{1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(policy_with({}, policy), policy);
  EXPECT_EQ(policy_with({{&Policy::window_bytes, 0}}, policy).window_bytes, 0U);
}

TEST(Policy, AProbabilityIsAShareOfPacketsInPercent) {
  EXPECT_EQ(parse_probability("1%", 1'000'000).value(), 10'000U);
  EXPECT_EQ(parse_probability("0.0001%", 1'000'000).value(), 1U);
  EXPECT_EQ(parse_probability("100%", 1'000'000).value(), 1'000'000U);
  EXPECT_EQ(parse_probability("50%", SLUICE_LOSS_PPM_MAX).value(), 500'000U);
  for (const char* text :
       {"1", "%", "0%", "0.00001%", "1.%", ".5%", "1e1%", "-1%", "100.0001%", "1 %", "1%%"}) {
    EXPECT_EQ(error_of(parse_probability(text, 1'000'000)),
              fmt::format("probability {:?}: not a share of packets above 0% and up to 100%, as in "
                          "0.5%",
                          text));
  }
  EXPECT_FALSE(parse_probability("50.0001%", SLUICE_LOSS_PPM_MAX));
}

TEST(Policy, AConnectionRateIsReadWithAndWithoutItsUnit) {
  EXPECT_EQ(parse_connection_rate("2000").value(), 2000U);
  EXPECT_EQ(parse_connection_rate("2000/s").value(), 2000U);
  EXPECT_EQ(error_of(parse_connection_rate("/s")),
            "connection rate \"/s\": not a whole number from 1 to 10000000");
}

TEST(Policy, AFlowsWeightHasALimit) {
  EXPECT_EQ(parse_flow_weight("100").value(), 100U);
  EXPECT_EQ(error_of(parse_flow_weight("101")),
            "flow weight \"101\": not a whole number from 1 to 100");
  EXPECT_EQ(error_of(parse_flow_weight("1.5")),
            "flow weight \"1.5\": not a whole number from 1 to 100");
}

}  // namespace
}  // namespace sluice
