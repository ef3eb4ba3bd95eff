// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is shown of services, and the words for verdicts.
#include "control/views.h"

#include <gtest/gtest.h>

#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

TEST(Views, ShowServicesByNameAndBackendsByAddressAndPort) {
  MemoryDataplane dataplane = busy();
  ASSERT_TRUE(add_backend(dataplane, "web", "10.0.0.11:443"));
  ASSERT_TRUE(add_backend(dataplane, "web", "9.0.0.1:443"));
  const auto views = service_views(dataplane);
  ASSERT_TRUE(views);
  std::vector<std::string> names;
  for (const ServiceView& view : *views) names.push_back(view.service.name);
  EXPECT_EQ(names, (std::vector<std::string>{"all", "dns", "full", "idle", "nat", "web"}));
  std::vector<std::string> places;
  for (const BackendView& view : views->back().backends) places.push_back(view.backend.at.text());
  EXPECT_EQ(places, (std::vector<std::string>{"9.0.0.1:443", "10.0.0.11:443", backend_one,
                                              backend_two, backend_three}));
}

TEST(Views, ShowSlotsPolicyTrafficAndVerdicts) {
  MemoryDataplane dataplane = busy();
  const auto view = service_view(dataplane, "web");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->slots, size_t{1} << SLUICE_RING_BITS_MIN);
  // The others drain or are down.
  EXPECT_EQ(view->backends.at(0).slots, view->slots);
  EXPECT_EQ(view->backends.at(1).slots, 0U);
  EXPECT_EQ(view->moving_slots, 0U);
  EXPECT_EQ(view->policy, (Policy{6'250'000, 262'144}));
  EXPECT_EQ(view->traffic, (Traffic{300, 18000, 30}));
  ASSERT_EQ(view->verdicts.size(), 1U);
  EXPECT_EQ(view->verdicts.at(0).verdict, SLUICE_VERDICT_NO_BACKEND);
  EXPECT_EQ(view->verdicts.at(0).packets, 7U);

  const auto dns = service_view(dataplane, "dns");
  ASSERT_TRUE(dns);
  EXPECT_EQ(dns->backends.at(0).slots + dns->backends.at(1).slots, dns->slots);
  // The first one had all slots; those that the second one took move.
  EXPECT_EQ(dns->moving_slots, slots_of(ring_in(dataplane.memory, "dns"), 5));
  EXPECT_GT(dns->moving_slots, 0U);

  const auto idle = service_view(dataplane, "idle");
  ASSERT_TRUE(idle);
  EXPECT_EQ(idle->slots, 0U);
  EXPECT_EQ(idle->policy, std::nullopt);
}

TEST(Views, TrafficOfBackendsThatAreGoneStaysInTheSum) {
  MemoryDataplane dataplane = busy();
  ASSERT_TRUE(backend_remove(dataplane, "web", at(backend_one), Apply::perform));
  const auto view = service_view(dataplane, "web");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->backends.size(), 2U);
  EXPECT_EQ(view->traffic, (Traffic{300, 18000, 30}));
}

TEST(Views, WhatIsOnItsWayOutIsNotShown) {
  MemoryDataplane dataplane = busy();
  service_in(dataplane.memory, "dns").removing = true;
  backend_in(dataplane.memory, "web", backend_one).removing = true;
  EXPECT_EQ(service_views(dataplane)->size(), 5U);
  EXPECT_FALSE(service_named(dataplane, "dns"));
  const auto web = service_view(dataplane, "web");
  EXPECT_EQ(web->backends.size(), 2U);
  EXPECT_EQ(web->traffic, (Traffic{300, 18000, 30}));
}

TEST(Views, AnUnknownNameIsAnErrorThatListsTheNames) {
  MemoryDataplane dataplane = busy();
  const auto view = service_view(dataplane, "wbe");
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().kind, ErrorKind::misused);
  EXPECT_EQ(view.error().text,
            "service \"wbe\": no such service (there are: all, dns, full, idle, nat, web)");
  EXPECT_EQ(service_named(dataplane, "wbe").error().text, view.error().text);
  EXPECT_EQ(service_named(dataplane, "web")->number, 1U);
}

TEST(Views, WriteNothing) {
  MemoryDataplane dataplane = busy();
  ASSERT_TRUE(service_views(dataplane));
  EXPECT_TRUE(dataplane.written.empty());
}

TEST(Verdicts, HaveTheNamesActionsAndSentencesOfTheContract) {
  const VerdictText not_ours = verdict_text(SLUICE_VERDICT_NOT_OURS);
  EXPECT_EQ(not_ours.name, "not_ours");
  EXPECT_EQ(not_ours.action, SLUICE_ACTION_PASS);
  EXPECT_EQ(not_ours.sentence, "the destination is not a service");
  EXPECT_EQ(action_text(verdict_text(SLUICE_VERDICT_STEERED).action), "forward");
  EXPECT_EQ(action_text(verdict_text(SLUICE_VERDICT_NEIGHBOUR_UNKNOWN).action), "punt");
  EXPECT_EQ(action_text(verdict_text(SLUICE_VERDICT_NO_BACKEND).action), "drop");
  EXPECT_EQ(action_text(not_ours.action), "pass");
  EXPECT_EQ(verdict_text(SLUICE_VERDICT_COUNT).name, "unknown");
}

}  // namespace
}  // namespace sluice::test
