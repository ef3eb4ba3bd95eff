// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `sluice run` saw of backends, beside what the operator said of them.
#include "control/observe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/recover.h"
#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> observed(Dataplane dataplane,
                                  const std::vector<Observation>& observations) {
  auto done = backends_observe(dataplane, observations);
  EXPECT_TRUE(done) << done.error().text;
  return done.value_or(std::vector<std::string>{});
}

MemoryDataplane two_backends() {
  MemoryDataplane dataplane;
  EXPECT_TRUE(add_service(dataplane, "web", web_endpoint, Mode::ipip));
  EXPECT_TRUE(add_backend(dataplane, "web", "10.0.0.11:443"));
  EXPECT_TRUE(add_backend(dataplane, "web", "10.0.0.12:443"));
  return dataplane;
}

const HostPort one = at("10.0.0.11:443");
const HostPort two = at("10.0.0.12:443");

TEST(Observe, AFailingBackendTakesNothingAndStaysUpInTheOperatorsWord) {
  MemoryDataplane dataplane = two_backends();
  EXPECT_THAT(observed(dataplane, {{"web", one, true}}),
              ElementsAre("backend 10.0.0.11:443 of web: failing"));
  EXPECT_EQ(slots_of(ring_in(dataplane.memory, "web"), 1), 0U);
  EXPECT_EQ(dataplane.memory.records.at(1).state, BackendState::down);
  EXPECT_EQ(backend_in(dataplane.memory, "web", one.text()).state, BackendState::up);
  EXPECT_THAT(observed(dataplane, {{"web", one, false}}),
              ElementsAre("backend 10.0.0.11:443 of web: healthy"));
  EXPECT_GT(slots_of(ring_in(dataplane.memory, "web"), 1), 0U);
  EXPECT_THAT(dataplane.contradictions, IsEmpty());
}

TEST(Observe, WhatTheOperatorSetDownStaysDownWhenItIsHealthy) {
  MemoryDataplane dataplane = two_backends();
  ASSERT_TRUE(set_state(dataplane, "web", "10.0.0.11:443", BackendState::down));
  observed(dataplane, {{"web", one, true}});
  observed(dataplane, {{"web", one, false}});
  EXPECT_EQ(dataplane.memory.records.at(1).state, BackendState::down);
  EXPECT_EQ(slots_of(ring_in(dataplane.memory, "web"), 1), 0U);
}

TEST(Observe, TheOperatorCanBringAFailingBackendUp) {
  MemoryDataplane dataplane = two_backends();
  observed(dataplane, {{"web", one, true}});
  EXPECT_EQ(sentence(set_state(dataplane, "web", "10.0.0.11:443", BackendState::up)),
            "backend 10.0.0.11:443 of web: no longer failing");
  EXPECT_GT(slots_of(ring_in(dataplane.memory, "web"), 1), 0U);
}

TEST(Observe, NothingNewWritesNothing) {
  MemoryDataplane dataplane = two_backends();
  dataplane.written.clear();
  EXPECT_THAT(observed(dataplane, {{"web", one, false}, {"web", two, std::nullopt, 0}}), IsEmpty());
  EXPECT_THAT(dataplane.written, IsEmpty());
}

TEST(Observe, RemovedServicesAndBackendsAreSkipped) {
  MemoryDataplane dataplane = two_backends();
  EXPECT_THAT(observed(dataplane, {{"gone", one, true}, {"web", at("10.9.9.9:443"), true}}),
              IsEmpty());
}

TEST(Observe, ManyAtOnceSwapEachRingOnce) {
  MemoryDataplane dataplane = two_backends();
  ASSERT_TRUE(add_service(dataplane, "dns", "203.0.113.11:53/udp", Mode::ipip));
  ASSERT_TRUE(add_backend(dataplane, "dns", "10.0.0.53:53"));
  dataplane.written.clear();
  observed(dataplane, {{"web", one, true}, {"web", two, true}, {"dns", at("10.0.0.53:53"), true}});
  EXPECT_EQ(std::count(dataplane.written.begin(), dataplane.written.end(), "swap_ring"), 2);
}

TEST(Observe, AnAdaptedWeightTakesItsShareOfTheRing) {
  MemoryDataplane dataplane = two_backends();
  EXPECT_THAT(observed(dataplane, {{"web", one, std::nullopt, uint16_t{333}}}),
              ElementsAre("backend 10.0.0.11:443 of web: 333 permille of its weight"));
  const Ring& ring = ring_in(dataplane.memory, "web");
  EXPECT_NEAR(static_cast<double>(slots_of(ring, 1)), 64, 1);
  observed(dataplane, {{"web", one, std::nullopt, uint16_t{0}}});
  EXPECT_EQ(slots_of(ring_in(dataplane.memory, "web"), 1), 128U);
}

TEST(Observe, AnAdaptationThatIsNoneMovesNoSlot) {
  MemoryDataplane dataplane = two_backends();
  const Ring before = ring_in(dataplane.memory, "web");
  observed(dataplane, {{"web", one, std::nullopt, uint16_t{1000}}});
  EXPECT_EQ(ring_in(dataplane.memory, "web"), before);
}

TEST(Observe, EveryDeathOnTheWayIsFinishedByTheNextCommand) {
  const std::vector<Observation> observations{{"web", one, true},
                                              {"web", two, std::nullopt, uint16_t{500}}};
  for (size_t death = 0;; death++) {
    MemoryDataplane dataplane = two_backends();
    dataplane.calls = 0;
    dataplane.die_at = death;
    bool died = false;
    try {
      observed(dataplane, observations);
    } catch (const Died&) {
      died = true;
    }
    dataplane.die_at.reset();
    ASSERT_TRUE(recover(dataplane));
    EXPECT_THAT(dataplane.contradictions, IsEmpty());
    const auto& first = backend_in(dataplane.memory, "web", one.text());
    EXPECT_EQ(dataplane.memory.records.at(1).state, effective_state(first));
    if (!died) break;
  }
}

}  // namespace
}  // namespace sluice::test
