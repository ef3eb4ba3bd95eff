// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Fills a ring. Members take turns in virtual time, each as often as its weight says; in its turn a
// member takes the first free slot of its own permutation of the slots. Nothing but identities and
// weights enters, so that every director builds the same ring. Leaving a member out changes little:
// the order of the others among themselves stays.
//
// A thousand members and the bitmap of 65536 slots lie together in the first-level cache. Half of
// all probes would be spent on the last few slots; there the member searches the list of free slots
// instead of its permutation, and finds the same one.
#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "model/demand.h"
#include "model/ring.h"
#include "sluice/limits.h"

namespace sluice {

namespace {

// A bijection that scatters every bit (Steele et al., "Fast splittable pseudorandom number
// generators", 2014; constants by David Stafford).
uint64_t scatter(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

uint64_t big_endian(const uint8_t* bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(value); i++) value = (value << 8) | bytes[i];
  return value;
}

// Weights from 2^(grade-1) + 1 to 2^grade are visited together, once in 2^(16-grade) units of
// virtual time. At each visit a member earns its weight and pays 2^grade for a turn, so that it has
// a turn in at least every second visit: no round is spent on members that wait.
constexpr int kGrades = 17;

int weight_grade(uint32_t weight) {
  return static_cast<int>(std::bit_width(weight - 1));
}

struct Seat {
  uint32_t backend;
  uint32_t left;  // turns left
  uint32_t credit;
  uint16_t weight;
  uint16_t next;  // the slot that it tries first, then every `step`-th
  uint16_t step;
};

// Shares the slots by weight, exact to one: the integer quotients first, then one slot each to the
// largest remainders.
void share_slots(std::vector<Seat>& seats, const std::vector<RingMember>& members, uint64_t slots) {
  struct Remainder {
    uint64_t remainder;
    uint64_t identity;
    uint32_t seat;
  };
  std::vector<Remainder> remainders;
  remainders.reserve(seats.size());
  uint64_t weights = 0;
  for (const RingMember& member : members) weights += member.weight;
  uint64_t rest = slots;
  for (uint32_t i = 0; i < seats.size(); i++) {
    uint64_t share = slots * members[i].weight;
    seats[i].left = static_cast<uint32_t>(share / weights);
    rest -= seats[i].left;
    remainders.push_back({share % weights, members[i].identity, i});
  }
  auto before = [](const Remainder& a, const Remainder& b) {
    return a.remainder != b.remainder ? a.remainder > b.remainder : a.identity < b.identity;
  };
  auto last = remainders.begin() + static_cast<std::ptrdiff_t>(rest);
  std::nth_element(remainders.begin(), last, remainders.end(), before);
  for (auto at = remainders.begin(); at != last; ++at) seats[at->seat].left++;
}

class Filling {
 public:
  explicit Filling(uint8_t ring_bits)
      : ring_(size_t{1} << ring_bits),
        free_(ring_.size()),
        mask_(static_cast<uint16_t>(ring_.size() - 1)),
        few_(size_t{1} << (ring_bits / 2)) {}

  [[nodiscard]] bool done() const { return free_ == 0; }

  void take_turn(Seat& seat) {
    uint16_t slot = free_ > few_ ? probe(seat) : search(seat);
    ring_[slot] = seat.backend;
    seat.next = static_cast<uint16_t>((slot + seat.step) & mask_);
    seat.left--;
    free_--;
  }

  std::vector<uint32_t> ring() && { return std::move(ring_); }

 private:
  uint16_t probe(const Seat& seat) {
    uint32_t slot = seat.next;
    while ((taken_[slot / 64] >> (slot % 64) & 1) != 0) slot = (slot + seat.step) & mask_;
    taken_[slot / 64] |= uint64_t{1} << (slot % 64);
    return static_cast<uint16_t>(slot);
  }

  // The free slot that comes first in the seat's permutation: slot = next + turns * step, hence
  // turns = (slot - next) / step, which modulo a power of two is a multiplication.
  uint16_t search(const Seat& seat) {
    if (free_slots_.empty()) list_free_slots();
    const uint32_t inverse = inverse_of(seat.step);
    uint32_t nearest = std::numeric_limits<uint32_t>::max();
    for (uint32_t i = 0; i < free_slots_.size(); i++) {
      uint32_t turns = ((free_slots_[i] - uint32_t{seat.next}) * inverse) & mask_;
      nearest = std::min(nearest, turns << 16 | i);
    }
    const size_t at = nearest & 0xffff;
    const uint16_t slot = free_slots_[at];
    free_slots_[at] = free_slots_.back();
    free_slots_.pop_back();
    return slot;
  }

  void list_free_slots() {
    for (uint32_t slot = 0; slot < ring_.size(); slot++) {
      if ((taken_[slot / 64] >> (slot % 64) & 1) == 0) {
        free_slots_.push_back(static_cast<uint16_t>(slot));
      }
    }
  }

  // Newton's method; an odd number is its own inverse modulo 8, and each step doubles the bits.
  static uint32_t inverse_of(uint32_t odd) {
    uint32_t inverse = odd;
    for (int bits = 3; bits < 16; bits *= 2) inverse *= 2 - odd * inverse;
    return inverse;
  }

  std::vector<uint32_t> ring_;
  std::array<uint64_t, (size_t{1} << SLUICE_RING_BITS_MAX) / 64> taken_{};
  std::vector<uint16_t> free_slots_;  // once there are few
  size_t free_;
  uint16_t mask_;
  size_t few_;
};

}  // namespace

uint64_t backend_identity(const HostPort& at) {
  const uint8_t* bytes = at.address.raw().bytes;
  return scatter(scatter(scatter(big_endian(bytes)) ^ big_endian(bytes + 8)) ^ at.port);
}

uint8_t ring_bits_for(size_t backends, uint8_t current_bits) {
  constexpr size_t kSlotsPerBackend = 64;
  uint8_t bits = std::max<uint8_t>(current_bits, SLUICE_RING_BITS_MIN);
  while (bits < SLUICE_RING_BITS_MAX && (size_t{1} << bits) / kSlotsPerBackend < backends) bits++;
  return bits;
}

std::vector<uint32_t> maglev_build(std::vector<RingMember> members, uint8_t ring_bits) {
  demand(ring_bits <= SLUICE_RING_BITS_MAX, "a ring of more slots than SLUICE_RING_BITS_MAX");
  std::erase_if(members, [](const RingMember& member) { return member.weight == 0; });
  if (members.empty()) return std::vector<uint32_t>(size_t{1} << ring_bits, 0);
  for (const RingMember& member : members) {
    demand(member.weight <= SLUICE_WEIGHT_MAX, "a weight above SLUICE_WEIGHT_MAX");
  }
  std::sort(members.begin(), members.end(), [](const RingMember& a, const RingMember& b) {
    int grade_a = weight_grade(a.weight);
    int grade_b = weight_grade(b.weight);
    if (grade_a != grade_b) return grade_a > grade_b;
    return a.identity != b.identity ? a.identity < b.identity : a.backend < b.backend;
  });

  const uint64_t slots = uint64_t{1} << ring_bits;
  std::vector<Seat> seats;
  seats.reserve(members.size());
  std::array<size_t, kGrades> grade_seats{};
  for (const RingMember& member : members) {
    int grade = weight_grade(member.weight);
    grade_seats[static_cast<size_t>(grade)]++;
    seats.push_back({.backend = member.backend,
                     .left = 0,
                     .credit = (uint32_t{1} << grade) / 2,
                     .weight = static_cast<uint16_t>(member.weight),
                     .next = static_cast<uint16_t>((member.identity >> 32) & (slots - 1)),
                     .step = static_cast<uint16_t>((member.identity & (slots - 1)) | 1)});
  }
  share_slots(seats, members, slots);

  Filling filling(ring_bits);
  const int highest = weight_grade(members.front().weight);
  for (uint64_t round = 0; !filling.done(); round++) {
    Seat* seat = seats.data();
    for (int grade = highest; grade >= 0; grade--) {
      if (round % (uint64_t{1} << (highest - grade)) != 0) break;
      const uint32_t price = uint32_t{1} << grade;
      const Seat* end = seat + grade_seats[static_cast<size_t>(grade)];
      for (; seat != end; seat++) {
        seat->credit += seat->weight;
        if (seat->credit < price) continue;
        seat->credit -= price;
        if (seat->left != 0) filling.take_turn(*seat);
      }
    }
  }
  return std::move(filling).ring();
}

}  // namespace sluice
