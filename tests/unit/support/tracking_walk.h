// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A random walk through changes of a service, against a reference that records every connection.
// bpf/pure/tracking.h states the invariant under test.
//
// Real: the decisions, that is ring_transition, ring_refine, ring_lines and back, ring_sweep and
// tracking_decide. Modelled: the tables, which evict nothing; the order of writes of
// control/derive.h and control/settle.h, with packets between any two writes; clients that reuse
// 5-tuples, fall silent, repeat their SYN and keep sending to a backend that is down.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "model/ring.h"
#include "model/service.h"
#include "model/sweep.h"
#include "pure/tracking.h"

namespace sluice::test {

// Planted bugs. Each must lead at least one connection astray.
enum class Bug {
  none,
  previous_rewritten,        // each change of a moving slot replaces its previous backend
  previous_lost,             // a slot that begins to move has no previous backend
  promotion_purged,          // the second packet deletes the half-open entry and adds no other
  syn_not_sticky,            // a repeated SYN gets the slot's backend
  syn_untracked,             // a new connection in a moving slot is not tracked
  syn_sticks_to_idle_flows,  // a SYN keeps the backend of a flow that a sweep takes for dead
  unknown_untracked,         // a packet to the previous backend is not tracked
  settled_blindly,           // a sweep ignores the tables
  settled_early,             // a slot settles before the time-out
  dead_entries_left,         // entries of settled slots remain
  removed_not_purged,        // entries of a removed backend remain when its number is reused
  purged_before_swap,        // the tables are purged before the swap: a packet in flight adds again
};

struct WalkTally {
  uint64_t packets = 0;
  uint64_t changes = 0;
  uint64_t opened = 0;
  uint64_t checked = 0;      // packets of live connections
  uint64_t checked_old = 0;  // of these, to another backend than the slot's current one
  uint64_t astray = 0;
  uint64_t sweeps = 0;
  uint64_t settled_slots = 0;
  uint64_t kept_slots = 0;  // old enough to settle, but kept moving by live flows
  uint64_t purged = 0;
  uint64_t refined = 0;
  uint64_t removed = 0;
};

class TrackingWalk {
 public:
  TrackingWalk(uint64_t seed, L4Proto l4_proto, Bug bug);

  // Stops at the first packet that goes astray.
  WalkTally run(uint64_t changes);

 private:
  struct Entry {
    uint32_t backend = 0;  // 0: none
    uint32_t seen_s = 0;
  };
  struct Tuple {
    uint32_t hash = 0;
    // Entries of the tables.
    Entry half_open;
    Entry established;
    // The reference.
    uint32_t connected = 0;  // backend of the connection; 0: none
    uint32_t sent_s = 0;
    bool opening = false;  // the client has sent SYNs only
    bool sticky = false;   // the last SYN was in a moving slot
    bool held = false;     // its last packet is in flight
    bool orphan = false;   // its backend went down, unnoticed by the client
  };
  struct Server {
    uint32_t weight = 0;
    bool known = false;
    bool foreign = false;  // of another service
    bool draining = false;
    bool down = false;
    uint64_t identity = 0;
    [[nodiscard]] bool takes_new() const { return known && !draining && !down; }
    [[nodiscard]] uint8_t state() const;
  };

  uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  bool with_probability(uint32_t percent) { return pick(100) < percent; }

  void change_something();
  void remove(uint32_t number);
  void take_down(uint32_t number);
  void move_ring();
  void swap(Ring ring);
  void sweep();
  std::vector<std::pair<Tuple*, tracking_answer>> packets_to(uint32_t number);
  void purge_backend(uint32_t number);
  void purge_settled();
  [[nodiscard]] std::vector<FlowInRing> read_tables() const;

  void send_packets(uint32_t count);
  void send_packet();
  void open(Tuple& tuple);
  void go_on(Tuple& tuple);
  void expect(const Tuple& tuple, uint32_t answer);
  [[nodiscard]] bool is_live(const Tuple& tuple) const;
  [[nodiscard]] const RingSlot& slot_of_tuple(const Tuple& tuple) const;

  uint32_t steer(Tuple& tuple, tracking_packet packet);
  tracking_answer ask(Tuple& tuple, tracking_packet packet);
  void carry_out(Tuple& tuple, const tracking_answer& answer);
  [[nodiscard]] tracking_choice choice_of(uint32_t backend) const;
  tracking_choice look_up(Entry& entry, uint32_t timeout_s) const;

  std::mt19937_64 random_;
  Bug bug_;
  Service service_;
  std::vector<Tuple> tuples_;
  std::vector<Server> servers_;  // by number; 0 is unused
  Ring ring_;
  uint8_t ring_bits_;
  uint32_t now_s_ = 100'000;
  WalkTally tally_;
};

}  // namespace sluice::test
