// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/support/tracking_walk.h"

#include <algorithm>

#include "model/flow_slot.h"

namespace sluice::test {

namespace {

constexpr uint8_t kRingBitsLast = 10;
constexpr uint32_t kTuples = 6000;
constexpr uint32_t kBackends = 12;
constexpr uint32_t kPacketsPerChange = 1000;
constexpr uint32_t kPacketsBetweenWrites = 60;

}  // namespace

uint8_t TrackingWalk::Server::state() const {
  if (down) return SLUICE_BACKEND_DOWN;
  return draining ? SLUICE_BACKEND_DRAINING : SLUICE_BACKEND_UP;
}

TrackingWalk::TrackingWalk(uint64_t seed, L4Proto l4_proto, Bug bug)
    : random_(seed),
      bug_(bug),
      tuples_(kTuples),
      servers_(kBackends + 1),
      ring_bits_(SLUICE_RING_BITS_MIN) {
  service_.endpoint.l4_proto = l4_proto;
  service_.idle_timeout_s = 300;
  service_.udp_timeout_s = 90;
  for (Tuple& tuple : tuples_) tuple.hash = static_cast<uint32_t>(random_());
}

WalkTally TrackingWalk::run(uint64_t changes) {
  while (tally_.changes < changes && tally_.astray == 0) {
    tally_.changes++;
    change_something();
    send_packets(kPacketsPerChange);
    now_s_ += pick(30);
    if (with_probability(3)) now_s_ += pick(400);
  }
  return tally_;
}

void TrackingWalk::change_something() {
  const uint32_t dice = pick(100);
  const uint32_t number = 1 + pick(kBackends);
  Server& server = servers_[number];
  if (dice < 25) {
    server.draining = !server.draining && server.known;
    if (!server.known) server = {.weight = 1 + pick(100), .known = true, .identity = random_()};
  } else if (dice < 40) {
    server.weight = with_probability(20) ? 0 : 1 + pick(100);
  } else if (dice < 48) {
    take_down(number);
  } else if (dice < 62) {
    server.down = server.down && !server.known;
  } else if (dice < 70) {
    remove(number);
    return;
  } else if (dice < 71) {
    for (Server& each : servers_) each.draining = true;
  } else if (dice < 72) {
    for (uint32_t each = 1; each <= kBackends; each++) take_down(each);
  } else if (dice < 74) {
    for (Server& each : servers_) each.draining = each.down = false;
  } else if (dice < 75 && ring_bits_ < kRingBitsLast) {
    ring_ = ring_refine(ring_, ++ring_bits_);
    tally_.refined++;
    return;
  } else if (dice >= 80) {
    sweep();
    return;
  }
  send_packets(kPacketsBetweenWrites);
  move_ring();
}

// In the order of control/derive.cpp: the backend's record, the ring, the tables; then its number
// is free.
void TrackingWalk::remove(uint32_t number) {
  Server& server = servers_[number];
  if (!server.known) return;
  tally_.removed++;
  const auto in_flight = packets_to(number);
  take_down(number);
  send_packets(kPacketsBetweenWrites);
  if (bug_ == Bug::purged_before_swap) purge_backend(number);
  move_ring();
  for (const auto& [tuple, answer] : in_flight) {
    carry_out(*tuple, answer);
    tuple->held = false;
  }
  // The swap returns here.
  send_packets(kPacketsBetweenWrites);
  if (bug_ != Bug::purged_before_swap && bug_ != Bug::removed_not_purged) purge_backend(number);
  server = {};
  if (with_probability(50)) return;
  if (with_probability(50)) {
    server.foreign = true;
    return;
  }
  server = {.weight = 1 + pick(100), .known = true, .identity = random_()};  // another backend
  move_ring();
}

// Packets in flight to this backend: decided, but the answer is not yet stored.
std::vector<std::pair<TrackingWalk::Tuple*, tracking_answer>> TrackingWalk::packets_to(
    uint32_t number) {
  std::vector<std::pair<Tuple*, tracking_answer>> in_flight;
  if (ring_.empty() || service_.endpoint.l4_proto == L4Proto::udp) return in_flight;
  for (Tuple& tuple : tuples_) {
    if (tuple.connected != number || !slot_of_tuple(tuple).moving) continue;
    const tracking_answer answer = ask(tuple, TRACKING_CONTINUES);
    if (answer.backend != number) continue;
    tuple.held = true;
    in_flight.emplace_back(&tuple, answer);
  }
  return in_flight;
}

void TrackingWalk::take_down(uint32_t number) {
  servers_[number].down = true;
  for (Tuple& tuple : tuples_) {
    if (tuple.connected == number) tuple.connected = 0, tuple.orphan = true;
  }
}

void TrackingWalk::move_ring() {
  std::vector<RingMember> members;
  std::vector<uint32_t> down;
  for (uint32_t number = 1; number <= kBackends; number++) {
    const Server& server = servers_[number];
    if (server.takes_new()) members.push_back({number, server.identity, server.weight});
    if (!server.foreign && (server.down || !server.known)) down.push_back(number);
  }
  Ring after = ring_transition(ring_, maglev_build(members, ring_bits_), down, now_s_ + 1);
  for (size_t i = 0; i < ring_.size(); i++) {
    if (bug_ == Bug::previous_rewritten && ring_[i].moving &&
        after[i].backend != ring_[i].backend && ring_[i].backend != 0)
      after[i].previous = ring_[i].backend;
    if (bug_ == Bug::previous_lost && !ring_[i].moving) after[i].previous = after[i].backend;
  }
  swap(std::move(after));
}

void TrackingWalk::swap(Ring ring) {
  ring_ = ring_from_lines(ring_lines(ring, service_timeout_s(service_)));
}

void TrackingWalk::sweep() {
  if (ring_.empty()) return;
  const Ring before = ring_;
  auto flows = read_tables();
  if (bug_ == Bug::settled_blindly) flows.clear();
  const uint32_t early_s = bug_ == Bug::settled_early ? service_timeout_s(service_) + 1 : 0;
  Sweep plan = ring_sweep(service_, ring_, flows, now_s_ + early_s);
  tally_.sweeps++;
  tally_.settled_slots += plan.settled;
  tally_.kept_slots += ring_sweep(service_, ring_, {}, now_s_).settled - plan.settled;
  send_packets(kPacketsBetweenWrites);
  swap(std::move(plan.ring));
  send_packets(kPacketsBetweenWrites);
  if (bug_ != Bug::dead_entries_left) purge_settled();
}

std::vector<FlowInRing> TrackingWalk::read_tables() const {
  std::vector<FlowInRing> flows;
  const auto add = [&](uint32_t hash, const Entry& entry, bool half_open) {
    if (entry.backend == 0) return;
    flows.push_back(
        {hash, entry.backend,
         flow_lives(service_, entry.seen_s, half_open, servers_[entry.backend].down, now_s_)});
  };
  for (const Tuple& tuple : tuples_) {
    add(tuple.hash, tuple.half_open, true);
    add(tuple.hash, tuple.established, false);
  }
  return flows;
}

void TrackingWalk::purge_backend(uint32_t number) {
  for (Tuple& tuple : tuples_) {
    if (tuple.half_open.backend == number) tuple.half_open = {};
    if (tuple.established.backend == number) tuple.established = {};
  }
}

void TrackingWalk::purge_settled() {
  for (Tuple& tuple : tuples_) {
    if (slot_of_tuple(tuple).moving) continue;
    if (tuple.half_open.backend != 0 || tuple.established.backend != 0) tally_.purged++;
    tuple.half_open = tuple.established = {};
    tuple.sticky = false;  // if the slot moves again, its SYN is untracked
  }
}

const RingSlot& TrackingWalk::slot_of_tuple(const Tuple& tuple) const {
  return ring_[slot_of(tuple.hash, ring_.size())];
}

tracking_choice TrackingWalk::choice_of(uint32_t backend) const {
  return {backend, backend == 0 ? uint8_t{0} : servers_[backend].state(), false};
}

tracking_choice TrackingWalk::look_up(Entry& entry, uint32_t timeout_s) const {
  if (entry.backend == 0) return {};
  tracking_choice choice = choice_of(entry.backend);
  choice.lapsed = tracking_silent(now_s_, entry.seen_s, timeout_s);
  entry.seen_s = now_s_;
  return choice;
}

// As bpf/steer/ring_lookup.h and flow_table.h do it.
uint32_t TrackingWalk::steer(Tuple& tuple, tracking_packet packet) {
  const RingSlot& slot = slot_of_tuple(tuple);
  if (!slot.moving) return slot.backend;
  const tracking_answer answer = ask(tuple, packet);
  carry_out(tuple, answer);
  if (answer.backend != 0 && servers_[answer.backend].foreign) tally_.astray++;
  return answer.backend;
}

tracking_answer TrackingWalk::ask(Tuple& tuple, tracking_packet packet) {
  const RingSlot& slot = slot_of_tuple(tuple);
  const uint32_t timeout_s = service_timeout_s(service_);
  tracking_question question{};
  question.packet = packet;
  question.fresh = tracking_silent(now_s_, slot.since_s, timeout_s);
  question.backend = choice_of(slot.backend);
  question.previous = choice_of(slot.previous);
  question.half_open = look_up(tuple.half_open, tracking_half_open_timeout_s(timeout_s));
  question.established = look_up(tuple.established, timeout_s);
  if (packet == TRACKING_OPENS && bug_ == Bug::syn_not_sticky) question.half_open = {};
  if (packet == TRACKING_OPENS && bug_ == Bug::syn_sticks_to_idle_flows)
    question.half_open.lapsed = question.established.lapsed = false;
  return tracking_decide(&question);
}

void TrackingWalk::carry_out(Tuple& tuple, const tracking_answer& answer) {
  if (answer.note == TRACKING_HALF_OPEN && bug_ != Bug::syn_untracked) {
    tuple.half_open = {answer.backend, now_s_};
    tuple.established = {};
  }
  if (answer.note == TRACKING_ESTABLISHED) {
    const bool known = tuple.half_open.backend != 0 || tuple.established.backend != 0;
    const bool lost = (bug_ == Bug::promotion_purged && tuple.half_open.backend != 0) ||
                      (bug_ == Bug::unknown_untracked && !known);
    if (!lost) tuple.established = {answer.backend, now_s_};
    tuple.half_open = {};
  }
}

bool TrackingWalk::is_live(const Tuple& tuple) const {
  const uint32_t timeout_s = service_timeout_s(service_);
  return tuple.connected != 0 &&
         now_s_ - tuple.sent_s <=
             (tuple.opening ? tracking_half_open_timeout_s(timeout_s) : timeout_s);
}

void TrackingWalk::expect(const Tuple& tuple, uint32_t answer) {
  tally_.checked++;
  if (tuple.connected != slot_of_tuple(tuple).backend) tally_.checked_old++;
  if (answer != tuple.connected) tally_.astray++;
}

// A SYN of a new connection, or a repeated one.
void TrackingWalk::open(Tuple& tuple) {
  const bool again = is_live(tuple) && tuple.sticky && servers_[tuple.connected].takes_new();
  const uint32_t answer = steer(tuple, TRACKING_OPENS);
  if (again) expect(tuple, answer);
  if (answer == 0 || servers_[answer].down) {
    tuple.connected = 0;
    return;
  }
  if (!again) tally_.opened++;
  tuple.connected = answer;
  tuple.sent_s = now_s_;
  tuple.opening = true;
  tuple.sticky = slot_of_tuple(tuple).moving;
}

void TrackingWalk::go_on(Tuple& tuple) {
  const bool datagram = service_.endpoint.l4_proto == L4Proto::udp;
  const bool living = is_live(tuple);
  const uint32_t answer = steer(tuple, datagram ? TRACKING_DATAGRAM : TRACKING_CONTINUES);
  tuple.opening = false;
  if (living) {
    expect(tuple, answer);
  } else if (datagram) {
    tuple.connected = answer != 0 && !servers_[answer].down ? answer : 0;
    if (tuple.connected != 0) tally_.opened++;
  } else {
    tuple.connected = 0;
  }
  tuple.sent_s = now_s_;
}

void TrackingWalk::send_packets(uint32_t count) {
  if (ring_.empty()) return;
  for (uint32_t i = 0; i < count && tally_.astray == 0; i++) send_packet();
}

void TrackingWalk::send_packet() {
  Tuple& tuple = tuples_[pick(kTuples)];
  if (tuple.held) return;
  tally_.packets++;
  if (pick(100) == 0) now_s_++;
  if (tuple.orphan) {
    (void)steer(
        tuple, service_.endpoint.l4_proto == L4Proto::udp ? TRACKING_DATAGRAM : TRACKING_CONTINUES);
    if (with_probability(20)) tuple.orphan = false;
    return;
  }
  const bool opens = service_.endpoint.l4_proto == L4Proto::tcp &&
                     (!is_live(tuple) || (tuple.opening && with_probability(20)));
  if (opens) {
    open(tuple);
  } else {
    go_on(tuple);
    if (with_probability(6)) tuple.connected = 0;
  }
}

}  // namespace sluice::test
