// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The slot of a flow in rings of every size, and the share of flows per backend.
#include <map>

#include "flow_fixture.h"
#include "model/flow_slot.h"

namespace sluice::stage {
namespace {

class SteerRings : public FlowTest {};

// Rings whose neighbouring slots differ, so that a flow in a wrong slot is detected.
class Pattern {
 public:
  explicit Pattern(std::vector<uint32_t> backends) : backends_(std::move(backends)) {}
  [[nodiscard]] uint32_t at(size_t slot) const {
    return backends_[(slot * 2654435761 >> 7) % backends_.size()];
  }
  [[nodiscard]] Ring settled(size_t slots) const {
    Ring ring(slots);
    for (size_t i = 0; i < slots; i++) ring[i] = {at(i), 0, false};
    return ring;
  }
  // New connections go to the backend of the next slot, all others to the slot's own.
  [[nodiscard]] Ring moving(size_t slots) const {
    Ring ring(slots);
    for (size_t i = 0; i < slots; i++) ring[i] = {at(i + 1), at(i), true};
    return ring;
  }

 private:
  std::vector<uint32_t> backends_;
};

TEST_P(SteerRings, TheTopBitsOfTheHashSelectTheSlotInRingsOfEverySize) {
  const Pattern pattern({tcp_.one.number, tcp_.two.number, tcp_.far.number});
  const std::map<uint32_t, std::string> names{{tcp_.one.number, "backend_one"},
                                              {tcp_.two.number, "backend_two"},
                                              {tcp_.far.number, "backend_far"}};
  for (uint8_t bits = SLUICE_RING_BITS_MIN; bits <= SLUICE_RING_BITS_MAX; bits++) {
    const size_t slots = size_t{1} << bits;
    stage().set_ring(tcp_.service, pattern.settled(slots));
    for (uint16_t port = 1; port <= 200; port++) {
      const size_t slot = flow_hash(stage().seed(), ack(port)) >> (32 - bits);
      ASSERT_EQ(reached(ack(port)), names.at(pattern.at(slot))) << slot << " of " << slots;
    }
    stage().set_ring(tcp_.service, pattern.moving(slots));
    for (uint16_t port = 1; port <= 200; port++) {
      const auto client_port = static_cast<uint16_t>(1000 * bits + port);
      const size_t slot = flow_hash(stage().seed(), ack(client_port)) >> (32 - bits);
      ASSERT_EQ(reached(ack(client_port)), names.at(pattern.at(slot)))
          << slot << " of " << slots << ", previous";
      const auto other_port = static_cast<uint16_t>(client_port + 500);
      const size_t other = flow_hash(stage().seed(), syn(other_port)) >> (32 - bits);
      ASSERT_EQ(reached(syn(other_port)), names.at(pattern.at(other + 1)))
          << other << " of " << slots << ", new";
    }
  }
}

// A sweep finds the slot of a tracked flow this way.
TEST_P(SteerRings, UserSpaceFindsTheSlotOfATrackedFlow) {
  const Pattern pattern({tcp_.one.number, tcp_.two.number, tcp_.far.number});
  stage().set_ring(tcp_.service, pattern.moving(4096));
  for (uint16_t port = 1; port <= 200; port++) (void)reached(ack(port));
  const auto flows = stage().flows().entries();
  ASSERT_TRUE(flows);
  ASSERT_EQ(flows->size(), 200u);
  for (const auto& [flow, tracked] : *flows) {
    const uint32_t hash = sluice::flow_hash(stage().seed(), flow, flow_ports(flow));
    EXPECT_EQ(tracked.backend, pattern.at(sluice::slot_of(hash, 4096)));
  }
}

TEST_P(SteerRings, RefiningARingMovesNoFlow) {
  const Pattern pattern({tcp_.one.number, tcp_.two.number, tcp_.far.number});
  Ring ring = pattern.settled(kSlots);
  stage().set_ring(tcp_.service, ring);
  std::map<uint16_t, std::string> before;
  for (uint16_t port = 1; port <= 500; port++) before[port] = reached(ack(port));
  for (const uint8_t bits : {uint8_t{9}, uint8_t{12}, uint8_t{SLUICE_RING_BITS_MAX}}) {
    ring = ring_refine(ring, bits);
    stage().set_ring(tcp_.service, ring);
    for (const auto& [port, backend] : before) ASSERT_EQ(reached(ack(port)), backend) << bits;
  }
  EXPECT_EQ(tracked_flows(), 0u);
}

TEST_P(SteerRings, FlowsAreSharedByWeight) {
  const std::map<std::string, uint32_t> weights{
      {"backend_one", 100}, {"backend_two", 200}, {"backend_far", 300}};
  stage().set_ring(
      tcp_.service,
      ring_transition(Ring(1024),
                      maglev_build({{tcp_.one.number, backend_identity(tcp_.one.at), 100},
                                    {tcp_.two.number, backend_identity(tcp_.two.at), 200},
                                    {tcp_.far.number, backend_identity(tcp_.far.at), 300}},
                                   10),
                      {}));
  constexpr int flows = 12000;
  std::map<std::string, int> shares;
  for (uint16_t i = 0; i < flows; i++) {
    shares[reached(syn(static_cast<uint16_t>(1024 + 5 * i)))]++;
  }
  for (const auto& [name, weight] : weights) {
    EXPECT_NEAR(shares[name], flows * weight / 600, flows * 0.02) << name;
  }
  EXPECT_EQ(stage().traffic(tcp_.one).connections + stage().traffic(tcp_.two).connections +
                stage().traffic(tcp_.far).connections,
            static_cast<uint64_t>(flows));
  EXPECT_EQ(tracked_flows(), 0u);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerRings, testing::ValuesIn(packets::both_families),
                         family_name);

}  // namespace
}  // namespace sluice::stage
