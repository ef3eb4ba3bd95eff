// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Client affinity: the service's salt replaces the ports in the hash, so that all packets of a
// client reach one backend, per service or across services.
#include <cstring>
#include <map>
#include <set>

#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::backend_two;
using packets::Ipv4;
using packets::Ipv6;

constexpr uint32_t kClients = 100;

class SteerAffine : public ModeTest {
 protected:
  // A service and the two backends that share its slots.
  struct Pair {
    Service service;
    Backend one;
    Backend two;
  };
  Pair affine(uint16_t port, Affinity affinity) {
    Service wanted = patch(L4Proto::tcp, port);
    wanted.affinity = affinity;
    Pair pair;
    pair.service = stage().add_service(wanted);
    pair.one = stage().add_backend(pair.service, outer(), backend_one, BackendState::up, port);
    pair.two = stage().add_backend(pair.service, outer(), backend_two, BackendState::up, port);
    Ring ring(kSlots, {.backend = pair.one.number, .previous = 0, .moving = false});
    for (size_t slot = 0; slot < kSlots; slot++) {
      if (is_two(slot)) ring[slot].backend = pair.two.number;
    }
    stage().set_ring(pair.service, ring);
    return pair;
  }
  // A mixed pattern, which a constant offset between slots would not reproduce.
  [[nodiscard]] static bool is_two(size_t slot) {
    auto mixed = static_cast<uint32_t>(slot + 1);
    for (int i = 0; i < 4; i++) mixed = (mixed ^ mixed >> 15) * 0x2c1b3c6d;
    return mixed >> 31 == 1;
  }
  [[nodiscard]] Packet from(uint32_t client, uint16_t port, uint16_t client_port,
                            const std::vector<uint16_t>& tpids = {}) const {
    Packet packet = from_client(tpids);
    const auto low = static_cast<uint8_t>(client);
    if (auto* v4 = packet.find<Ipv4>()) v4->source.bytes[15] = low;
    if (auto* v6 = packet.find<Ipv6>()) v6->source.bytes[9] = low;
    return with_l4(packet, L4Proto::tcp, client_port, port, "question");
  }
  // The backend that the packet reached, 1 or 2, by the traffic counters.
  uint32_t reached(const Packet& packet, const Pair& pair) {
    const uint64_t one = stage().traffic(pair.one).packets;
    const uint64_t two = stage().traffic(pair.two).packets;
    EXPECT_EQ(stage().steer(packet.frame()).action, XDP_REDIRECT);
    const bool got_one = stage().traffic(pair.one).packets == one + 1;
    const bool got_two = stage().traffic(pair.two).packets == two + 1;
    EXPECT_NE(got_one, got_two);
    return got_one ? 1 : 2;
  }
};

TEST_P(SteerAffine, AClientHasOneBackendWhateverItsPort) {
  const Pair pair = affine(443, Affinity::client_service);
  std::map<uint32_t, uint32_t> shares;
  for (uint32_t client = 1; client <= kClients; client++) {
    const uint32_t backend = reached(from(client, 443, 1), pair);
    shares[backend]++;
    for (const uint16_t client_port : {uint16_t{2}, uint16_t{1000}, uint16_t{40000}}) {
      ASSERT_EQ(reached(from(client, 443, client_port), pair), backend);
      ASSERT_EQ(reached(from(client, 443, client_port, {0x8100}), pair), backend)
          << "the slow path";
    }
  }
  EXPECT_GT(shares[1], kClients / 4);
  EXPECT_GT(shares[2], kClients / 4);
}

TEST_P(SteerAffine, TheSaltedHashSelectsTheSlot) {
  const Pair pair = affine(443, Affinity::client_service);
  for (uint32_t client = 1; client <= kClients; client++) {
    const Packet sent = from(client, 443, 40000);
    const uint32_t hash = flow_hash(stage().seed(), sent, affinity_salt(pair.service));
    ASSERT_EQ(reached(sent, pair), is_two(slot_of(hash, kSlots)) ? 2U : 1U);
  }
}

TEST_P(SteerAffine, WithAffinityClientAClientHasTheSameSlotInAllServices) {
  const Pair web = affine(443, Affinity::client);
  const Pair mail = affine(993, Affinity::client);
  for (uint32_t client = 1; client <= kClients; client++) {
    ASSERT_EQ(reached(from(client, 443, 1), web), reached(from(client, 993, 2), mail));
  }
}

TEST_P(SteerAffine, WithAffinityClientServiceSlotsDifferBetweenServices) {
  const Pair web = affine(443, Affinity::client_service);
  const Pair mail = affine(993, Affinity::client_service);
  uint32_t differ = 0;
  for (uint32_t client = 1; client <= kClients; client++) {
    if (reached(from(client, 443, 1), web) != reached(from(client, 993, 1), mail)) differ++;
  }
  EXPECT_GT(differ, kClients / 4);
  EXPECT_LT(differ, kClients * 3 / 4);
}

TEST_P(SteerAffine, WithoutAffinityPortsSelectTheSlot) {
  const Pair pair = affine(443, Affinity::flow);
  std::set<uint32_t> backends;
  for (uint16_t client_port = 1; client_port < 50; client_port++) {
    backends.insert(reached(from(1, 443, client_port), pair));
  }
  EXPECT_EQ(backends.size(), 2u);
}

// Moving slots track each 5-tuple by itself.
TEST_P(SteerAffine, AMovingSlotTracksTheWholeFiveTuple) {
  if (mode() == Mode::snat) return;
  const Pair pair = affine(443, Affinity::client_service);
  stage().set_ring(
      pair.service,
      Ring(kSlots, {.backend = pair.two.number, .previous = pair.one.number, .moving = true}));
  EXPECT_EQ(reached(from(1, 443, 1), pair), 2U) << "new";
  Packet old = from(1, 443, 2);
  old.find<packets::Tcp>()->flags = packets::tcp_ack;
  EXPECT_EQ(reached(old, pair), 1U) << "began before";
  EXPECT_EQ(stage().flows().entries()->size() + stage().half_open().entries()->size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerAffine, testing::ValuesIn(every_combination()),
                         combination_name);

}  // namespace
}  // namespace sluice::stage
