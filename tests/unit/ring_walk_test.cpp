// A random walk of a service's life, against a reference that remembers every connection: no
// connection to a living backend ever moves (DESIGN, "Just enough tracking").
//
// The packet path is modelled by its slot rules and a flow table that forgets nothing by itself.
// Like the real one, the table keeps dead connections until somebody sweeps, 5-tuples are used
// again, and connections whose backend went down go on sending.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "model/ring.h"

namespace sluice {
namespace {

constexpr uint8_t kRingBitsFirst = 6;  // smaller than real ones: more changes meet in a slot
constexpr uint8_t kRingBitsLast = 10;
constexpr uint32_t kTuples = 6000;
constexpr uint32_t kBackends = 12;
constexpr int kChanges = 1200;
constexpr int kPacketsPerChange = 1000;

// What a SYN does where its 5-tuple is still in the table. The packet path may do either.
enum class Reopen { overwrites, keeps_what_takes_new };

struct Tuple {
  uint32_t hash = 0;
  uint32_t tracked = 0;    // what the flow table holds; 0: nothing
  uint32_t connected = 0;  // what the reference holds; 0: no connection
  bool orphan = false;     // its backend went down; the client does not know yet
};

struct Server {
  uint32_t weight = 0;
  bool known = false;  // to the service
  bool draining = false;
  bool down = false;
  uint64_t identity = 0;

  [[nodiscard]] bool takes_new() const { return known && !draining && !down; }
};

class Walk {
 public:
  Walk(uint64_t seed, Reopen reopen)
      : random_(seed), reopen_(reopen), tuples_(kTuples), servers_(kBackends + 1) {
    for (Tuple& tuple : tuples_) tuple.hash = static_cast<uint32_t>(random_());
  }

  void run() {
    for (int change = 0; change < kChanges && !::testing::Test::HasFailure(); change++) {
      change_something();
      for (int packet = 0; packet < kPacketsPerChange; packet++) send_packet();
    }
  }

  uint64_t packets = 0;
  uint64_t opened = 0;
  uint64_t checked = 0;      // packets of a living connection
  uint64_t checked_old = 0;  // of them: to another backend than new connections of their slot
  uint64_t astray = 0;
  uint64_t settled = 0;
  uint64_t refined = 0;

 private:
  uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  bool chance(uint32_t percent) { return pick(100) < percent; }
  Server& any_server() { return servers_[1 + pick(kBackends)]; }

  void change_something() {
    const uint32_t dice = pick(100);
    Server& server = any_server();
    if (dice < 30) {
      server.draining = !server.draining && server.known;
      if (!server.known) server = {1 + pick(100), true, false, false, random_()};
    } else if (dice < 45) {
      server.weight = chance(20) ? 0 : 1 + pick(100);
    } else if (dice < 60) {
      take_down(server);
    } else if (dice < 78) {
      server.down = false;
    } else if (dice < 81) {
      take_down(server);
      server.known = false;  // removed: it may come back as another one, under the same number
    } else if (dice < 82) {
      for (Server& each : servers_) each.draining = true;
    } else if (dice < 83) {
      for (Server& each : servers_) take_down(each);
    } else if (dice < 85) {
      for (Server& each : servers_) each.draining = each.down = false;
    } else if (dice < 86 && ring_bits_ < kRingBitsLast) {
      ring_ = ring_refine(ring_, ++ring_bits_);
      refined++;
      return;
    } else if (dice >= 88) {
      settle();
      return;
    }
    move_ring();
  }

  void take_down(Server& server) {
    server.down = true;
    const auto number = static_cast<uint32_t>(&server - servers_.data());
    for (Tuple& tuple : tuples_) {
      if (tuple.connected == number) tuple.connected = 0, tuple.orphan = true;
    }
  }

  void move_ring() {
    std::vector<RingMember> members;
    std::vector<uint32_t> down;
    for (uint32_t number = 1; number <= kBackends; number++) {
      const Server& server = servers_[number];
      if (server.takes_new()) members.push_back({number, server.identity, server.weight});
      if (server.down || !server.known) down.push_back(number);
    }
    ring_ = ring_transition(ring_, maglev_build(members, ring_bits_), down);
  }

  // Connections that depart from the ring come to their end first; then what the table has of such
  // is swept. The rest of it stays, dead or not.
  void settle() {
    if (ring_.empty()) return;
    for (Tuple& tuple : tuples_) {
      if (tuple.connected != slot_of(tuple).backend) tuple.connected = 0;
      if (tuple.tracked != slot_of(tuple).backend) tuple.tracked = 0, tuple.orphan = false;
    }
    ring_ = ring_settled(std::move(ring_));
    settled++;
  }

  [[nodiscard]] const RingSlot& slot_of(const Tuple& tuple) const {
    return ring_[tuple.hash >> (32 - ring_bits_)];
  }

  // The packet path.
  uint32_t steer(Tuple& tuple, bool syn) {
    const RingSlot& slot = slot_of(tuple);
    if (!slot.moving) return slot.backend;
    if (syn) {
      bool keeps = reopen_ == Reopen::keeps_what_takes_new && servers_[tuple.tracked].takes_new();
      if (!keeps) tuple.tracked = slot.backend;
      return tuple.tracked;
    }
    if (tuple.tracked == 0) tuple.tracked = slot.previous;
    return tuple.tracked;
  }

  void send_packet() {
    if (ring_.empty()) return;
    Tuple& tuple = tuples_[pick(kTuples)];
    packets++;
    if (tuple.orphan) {
      (void)steer(tuple, false);
      if (chance(20)) tuple.orphan = false;
    } else if (tuple.connected == 0) {
      tuple.connected = steer(tuple, true);
      if (tuple.connected == 0) return;
      opened++;
      EXPECT_TRUE(servers_[tuple.connected].takes_new()) << "a new connection went to a backend "
                                                         << "that takes none";
    } else {
      checked++;
      if (tuple.connected != slot_of(tuple).backend) checked_old++;
      if (steer(tuple, false) != tuple.connected) astray++;
      if (chance(8)) tuple.connected = 0;
    }
  }

  std::mt19937_64 random_;
  Reopen reopen_;
  std::vector<Tuple> tuples_;
  std::vector<Server> servers_;  // by number; 0 is nobody
  Ring ring_;
  uint8_t ring_bits_ = kRingBitsFirst;
};

TEST(RingWalk, NoConnectionToALivingBackendEverMoves) {
  for (Reopen reopen : {Reopen::overwrites, Reopen::keeps_what_takes_new}) {
    for (uint64_t seed = 1; seed <= 2; seed++) {
      Walk walk(seed, reopen);
      walk.run();
      EXPECT_EQ(walk.astray, 0U) << "of " << walk.checked << " packets, seed " << seed;
      // It was a walk worth the name.
      EXPECT_GT(walk.packets, 1'000'000U);
      EXPECT_GT(walk.opened, 20'000U);
      EXPECT_GT(walk.checked, 300'000U);
      EXPECT_GT(walk.checked_old, 50'000U);
      EXPECT_GT(walk.settled, 80U);
      EXPECT_EQ(walk.refined, uint64_t{kRingBitsLast - kRingBitsFirst});
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace sluice
