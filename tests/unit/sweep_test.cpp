// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Settling: which slots, at what time, what is written, and what is said of it.
#include "control/settle.h"

#include <gtest/gtest.h>

#include "control/views.h"
#include "model/flow_slot.h"
#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

constexpr uint32_t kLater_s = SLUICE_IDLE_TIMEOUT_S_DEFAULT + 2;

// A service of mode ipip that moved half of its slots from one backend to two.
class Settle : public testing::Test {
 protected:
  Settle() {
    EXPECT_TRUE(add_service(dataplane, "tunnel", "203.0.113.20:80/tcp", Mode::ipip));
    EXPECT_TRUE(add_backend(dataplane, "tunnel", backend_one));
    EXPECT_TRUE(add_backend(dataplane, "tunnel", backend_two));
    dataplane.written.clear();
  }

  [[nodiscard]] const Ring& ring() const { return ring_in(dataplane.memory, "tunnel"); }

  // A flow of this backend in a slot that moves, or does not.
  TrackedFlow flow_in(bool moving, const char* backend) {
    while (++last_port_ < 60000) {
      TrackedFlow flow = tracked(dataplane, "tunnel", backend, last_port_);
      const uint32_t hash = flow_hash(dataplane.seed(), flow.flow, flow_ports(flow.flow));
      if (ring()[slot_of(hash, ring().size())].moving != moving) continue;
      dataplane.memory.flows.push_back(flow);
      return flow;
    }
    ADD_FAILURE() << "no flow falls there";
    return {};
  }
  Settling settle(Apply apply = Apply::perform) {
    auto settled = settle_services(dataplane, "tunnel", apply);
    EXPECT_TRUE(settled) << settled.error().text;
    EXPECT_EQ(settled->size(), 1U);
    EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{});
    return settled->front();
  }

  MemoryDataplane dataplane;
  uint16_t last_port_ = 0;
};

TEST_F(Settle, WaitsForTheTimeOut) {
  dataplane.clock_s += SLUICE_IDLE_TIMEOUT_S_DEFAULT;
  EXPECT_EQ(settling_text(settle()),
            "service tunnel: settled 0 slots; 128 still move: 0 tracked flows depart from the "
            "ring, the youngest change is 899 s old");
  EXPECT_TRUE(dataplane.written.empty());
}

TEST_F(Settle, SettlesSlotsFromWhichNoFlowDeparts) {
  flow_in(true, backend_two);
  dataplane.clock_s += kLater_s;
  EXPECT_EQ(settling_text(settle()), "service tunnel: settled 128 slots and purged 1 flow");
  EXPECT_EQ(ring_moving_slots(ring()), 0U);
  EXPECT_TRUE(dataplane.memory.flows.empty());
  EXPECT_EQ(dataplane.written, (std::vector<std::string>{"swap_ring", "purge_flows"}));
  EXPECT_EQ(settling_text(settle()), "service tunnel: nothing moves");
}

TEST_F(Settle, ALivingFlowThatDepartsKeepsItsSlotAndNoOther) {
  dataplane.clock_s += kLater_s;
  const TrackedFlow living = flow_in(true, backend_one);
  EXPECT_EQ(settling_text(settle()),
            "service tunnel: settled 127 slots; 1 still moves: 1 tracked flow departs from the "
            "ring, the youngest change is 901 s old");
  EXPECT_EQ(dataplane.memory.flows, std::vector<TrackedFlow>{living});
}

TEST_F(Settle, ADeadFlowThatDepartsIsPurged) {
  flow_in(true, backend_one);
  dataplane.clock_s += kLater_s;
  EXPECT_EQ(settle().settled, 128U);
  EXPECT_TRUE(dataplane.memory.flows.empty());
}

TEST_F(Settle, AFlowThatIsHalfOpenIsGivenUpSooner) {
  dataplane.clock_s += kLater_s;
  flow_in(true, backend_one);
  dataplane.memory.flows.back().half_open = true;
  dataplane.memory.flows.back().seen_s -= SLUICE_HALF_OPEN_S;
  EXPECT_EQ(settle().settled, 127U);
  dataplane.memory.flows.back().seen_s -= 1;
  EXPECT_EQ(settle().settled, 1U);
}

TEST_F(Settle, NoFlowOfABackendThatIsDownLives) {
  dataplane.clock_s += kLater_s;
  flow_in(true, backend_one);
  ASSERT_TRUE(set_state(dataplane, "tunnel", backend_one, BackendState::down));
  dataplane.clock_s += kLater_s;
  dataplane.memory.flows.back().seen_s = dataplane.clock_s;
  EXPECT_EQ(settle().settled, 256U);
}

TEST_F(Settle, TheServicesOwnTimeOutCounts) {
  ASSERT_TRUE(service_set(dataplane, "tunnel", {{&Service::idle_timeout_s, 10}}, Apply::perform));
  EXPECT_EQ(dataplane.memory.ring_timeouts.at(1), 10U);
  dataplane.clock_s += 12;
  EXPECT_EQ(settle().settled, 128U);
}

TEST_F(Settle, ADryRunWritesNothing) {
  dataplane.clock_s += kLater_s;
  flow_in(true, backend_two);
  const Memory before = dataplane.memory;
  EXPECT_EQ(settle(Apply::only_show).settled, 128U);
  EXPECT_EQ(dataplane.memory, before);
}

TEST_F(Settle, OfAllIsOfThoseThatMove) {
  ASSERT_TRUE(add_service(dataplane, "idle", "203.0.113.21:80/tcp", Mode::ipip));
  ASSERT_TRUE(add_service(dataplane, "web", "203.0.113.22:80/tcp", Mode::snat));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_two));
  const auto settled = settle_services(dataplane, std::nullopt, Apply::perform);
  ASSERT_TRUE(settled);
  ASSERT_EQ(settled->size(), 1U);
  EXPECT_EQ(settled->front().service, "tunnel");
}

TEST_F(Settle, OfAnUnknownServiceSaysWhichThereAre) {
  const auto settled = settle_services(dataplane, "tunel", Apply::perform);
  ASSERT_FALSE(settled);
  EXPECT_EQ(settled.error().text, "service \"tunel\": no such service (there is: tunnel)");
}

TEST_F(Settle, AViewCountsWhatIsTracked) {
  flow_in(true, backend_one);
  flow_in(true, backend_two);
  const auto view = service_view(dataplane, "tunnel");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->moving_slots, 128U);
  EXPECT_EQ(view->tracked_flows, 2U);
}

}  // namespace
}  // namespace sluice::test
