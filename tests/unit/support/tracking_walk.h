// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A random walk of a service's life against a reference that remembers every connection
// (bpf/pure/tracking.h has the invariant that it tests).
//
// The decisions are the real ones: ring_transition, ring_refine, ring_lines and back, ring_sweep,
// tracking_decide. What is modelled is what carries them out: the tables (which purge nothing by
// themselves), the order in which control/derive.h and control/sweep.h write, with packets between
// any two writes, and clients that use 5-tuples again, fall silent, repeat their SYN, and go on
// sending to a backend that is down.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "model/ring.h"
#include "model/service.h"
#include "model/sweep.h"
#include "pure/tracking.h"

namespace sluice::test {

// What can be built wrong. Each must lead some connection astray, or the test tests nothing.
enum class Bug {
  none,
  previous_rewritten,      // at each change of a moving slot
  previous_lost,           // a slot that begins to move keeps nothing
  promotion_purged,        // the second packet takes it out of half_open, and into nothing
  syn_not_sticky,          // a SYN that is sent again gets the slot's backend
  syn_untracked,           // a new connection in a moving slot is not stored
  syn_sticks_to_the_dead,  // to a flow that a sweep takes for dead
  unknown_untracked,       // what went to the previous backend is not stored
  settled_blindly,         // without a look at the tables
  settled_early,           // before the time-out
  dead_entries_left,       // of slots that were settled
  removed_not_purged,      // a backend's number is another's, and the tables still have it
  purged_before_swap,      // and a packet in flight remembers it again
};

struct WalkTally {
  uint64_t packets = 0;
  uint64_t changes = 0;
  uint64_t opened = 0;
  uint64_t checked = 0;      // packets of a living connection
  uint64_t checked_old = 0;  // of them: to another backend than new connections of their slot
  uint64_t astray = 0;
  uint64_t sweeps = 0;
  uint64_t settled_slots = 0;
  uint64_t kept_slots = 0;  // that a sweep found old enough, had not living flows departed
  uint64_t purged = 0;
  uint64_t refined = 0;
  uint64_t removed = 0;
};

class TrackingWalk {
 public:
  TrackingWalk(uint64_t seed, L4Proto l4_proto, Bug bug);

  // Ends at the first connection that goes astray.
  WalkTally run(uint64_t changes);

 private:
  struct Entry {
    uint32_t backend = 0;  // 0: none
    uint32_t seen_s = 0;
  };
  struct Tuple {
    uint32_t hash = 0;
    Entry half_open;    // what the tables have
    Entry established;  //
    // What the reference has: its connection, if it is one.
    uint32_t connected = 0;
    uint32_t sent_s = 0;
    bool opening = false;  // only SYNs were sent
    bool sticky = false;   // the last of them in a moving slot
    bool held = false;     // its last packet is in flight
    bool orphan = false;   // its backend went down; the client does not know yet
  };
  struct Server {
    uint32_t weight = 0;
    bool known = false;
    bool foreign = false;  // another service's
    bool draining = false;
    bool down = false;  // as its record says
    uint64_t identity = 0;
    [[nodiscard]] bool takes_new() const { return known && !draining && !down; }
    [[nodiscard]] uint8_t state() const;
  };

  uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  bool chance(uint32_t percent) { return pick(100) < percent; }

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
  [[nodiscard]] bool lives(const Tuple& tuple) const;
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
  std::vector<Server> servers_;  // by number; 0 is nobody
  Ring ring_;
  uint8_t ring_bits_;
  uint32_t now_s_ = 100'000;
  WalkTally tally_;
};

}  // namespace sluice::test
