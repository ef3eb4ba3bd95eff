// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How a ring is filled: shares, sameness on every director, and how little a change disturbs.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <random>

#include "model/ring.h"
#include "sluice/limits.h"

namespace sluice {
namespace {

using Members = std::vector<RingMember>;

uint64_t identity_of(std::string_view text) {
  return backend_identity(HostPort::parse(text).value());
}

// 10.0.0.1:80, 10.0.0.2:80 ... with these weights.
Members members_of(const std::vector<uint32_t>& weights) {
  Members members;
  for (uint32_t i = 0; i < weights.size(); i++) {
    const auto text = fmt::format("10.0.{}.{}:80", (i + 1) / 250, (i + 1) % 250);
    members.push_back({i + 1, identity_of(text), weights[i]});
  }
  return members;
}

std::vector<uint32_t> random_weights(size_t count, uint32_t max, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint32_t> weights(count);
  for (auto& weight : weights) weight = static_cast<uint32_t>(random() % (max + 1));
  return weights;
}

std::map<uint32_t, uint64_t> slots_by_backend(const std::vector<uint32_t>& ring) {
  std::map<uint32_t, uint64_t> slots;
  for (uint32_t backend : ring) slots[backend]++;
  return slots;
}

// The definition, slot by slot: the same turns, and each takes the next free slot by trying.
std::vector<uint32_t> maglev_by_definition(Members members, uint8_t ring_bits) {
  const uint64_t slots = uint64_t{1} << ring_bits;
  const auto grade = [](const RingMember& member) { return std::bit_width(member.weight - 1); };
  std::erase_if(members, [](const RingMember& member) { return member.weight == 0; });
  std::sort(members.begin(), members.end(), [&](const RingMember& a, const RingMember& b) {
    return grade(a) != grade(b) ? grade(a) > grade(b) : a.identity < b.identity;
  });
  uint64_t weights = 0;
  for (const auto& member : members) weights += member.weight;

  std::vector<uint64_t> left;
  std::vector<std::pair<uint64_t, size_t>> remainders;
  uint64_t rest = slots;
  for (size_t i = 0; i < members.size(); i++) {
    left.push_back(slots * members[i].weight / weights);
    rest -= left[i];
    remainders.emplace_back(slots * members[i].weight % weights, i);
  }
  std::sort(remainders.begin(), remainders.end(), [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first > b.first;
    return members[a.second].identity < members[b.second].identity;
  });
  for (size_t i = 0; i < rest; i++) left[remainders[i].second]++;

  std::vector<uint32_t> ring(slots, 0);
  std::vector<uint64_t> tries(members.size(), 0);
  std::vector<uint64_t> credit(members.size());
  for (size_t i = 0; i < members.size(); i++) credit[i] = (uint64_t{1} << grade(members[i])) / 2;
  // Virtual time passes in units of which the heaviest grade has one visit each.
  for (uint64_t time = 0, filled = 0; filled < slots; time++) {
    for (size_t i = 0; i < members.size(); i++) {
      if (time % (uint64_t{1} << (grade(members[0]) - grade(members[i]))) != 0) continue;
      credit[i] += members[i].weight;
      if (credit[i] < uint64_t{1} << grade(members[i])) continue;
      credit[i] -= uint64_t{1} << grade(members[i]);
      if (left[i] == 0) continue;
      const uint64_t offset = members[i].identity >> 32;
      const uint64_t step = members[i].identity | 1;
      uint64_t slot = 0;
      do {
        slot = (offset + tries[i]++ * step) % slots;
      } while (ring[slot] != 0);
      ring[slot] = members[i].backend;
      left[i]--;
      filled++;
    }
  }
  return ring;
}

TEST(Maglev, FillsTheRingThatItsDefinitionFills) {
  for (uint8_t bits : std::to_array<uint8_t>({0, 1, 4, 8, 11, 16})) {
    for (size_t count : {1U, 2U, 3U, 7U, 50U}) {
      for (uint32_t max : {1U, 2U, 100U, 65535U}) {
        Members members = members_of(random_weights(count, max, count + max));
        members[0].weight = max;
        ASSERT_EQ(maglev_build(members, bits), maglev_by_definition(members, bits))
            << count << " members, weights up to " << max << ", bits " << int{bits};
      }
    }
  }
}

TEST(Maglev, SharesAreExactToOneSlot) {
  const std::vector<std::vector<uint32_t>> cases = {
      {1, 1, 1},
      {50, 30, 20},
      {65535, 1, 1},
      {1, 2, 4, 8, 16, 32, 64, 128, 256, 65535},
      std::vector<uint32_t>(1000, 100),
      random_weights(1000, 65535, 1),
      random_weights(300, 3, 2),
  };
  for (const auto& weights : cases) {
    for (uint8_t bits : std::to_array<uint8_t>({8, 12, 16})) {
      auto slots = slots_by_backend(maglev_build(members_of(weights), bits));
      double sum = 0;
      for (uint32_t weight : weights) sum += weight;
      for (uint32_t i = 0; i < weights.size(); i++) {
        const double exact = std::ldexp(weights[i] / sum, bits);
        EXPECT_LT(std::abs(static_cast<double>(slots[i + 1]) - exact), 1.0)
            << "weight " << weights[i] << " of " << sum << ", bits " << int{bits};
      }
    }
  }
}

TEST(Maglev, TheOrderOfItsMembersDoesNotMatter) {
  Members members = members_of(random_weights(100, 200, 3));
  const auto ring = maglev_build(members, 12);
  std::mt19937_64 random(4);
  for (int round = 0; round < 10; round++) {
    std::shuffle(members.begin(), members.end(), random);
    ASSERT_EQ(maglev_build(members, 12), ring);
  }
}

TEST(Maglev, BackendNumbersDoNotMatter) {
  Members members = members_of(random_weights(100, 2, 5));
  auto ring = maglev_build(members, 12);
  for (auto& member : members) member.backend = 1000 - member.backend;
  for (auto& backend : ring) backend = 1000 - backend;
  EXPECT_EQ(maglev_build(members, 12), ring);
}

TEST(Maglev, WithoutAnyWeightNoBackendHasASlot) {
  EXPECT_EQ(maglev_build({}, 8), std::vector<uint32_t>(256, 0));
  EXPECT_EQ(maglev_build(members_of({0, 0}), 8), std::vector<uint32_t>(256, 0));
  EXPECT_EQ(maglev_build(members_of({0, 5}), 8), std::vector<uint32_t>(256, 2));
}

// Slots that went from one survivor to another when a member left, beyond those that shares moved.
double disturbed(const Members& members, size_t leaver, uint8_t bits) {
  Members fewer = members;
  fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(leaver));
  const auto before = maglev_build(members, bits);
  const auto after = maglev_build(fewer, bits);
  size_t changed = 0;
  for (size_t i = 0; i < before.size(); i++) {
    changed += before[i] != members[leaver].backend && before[i] != after[i] ? 1U : 0U;
  }
  return static_cast<double>(changed) / static_cast<double>(before.size());
}

TEST(Maglev, AChangeOfOneMemberHardlyDisturbsTheOthers) {
  struct Case {
    size_t members;
    uint8_t bits;
    double mean_max;  // about one and a half times what was measured
  };
  for (const Case& c :
       {Case{3, 8, 0.02}, Case{10, 10, 0.04}, Case{100, 13, 0.03}, Case{1000, 16, 0.009}}) {
    const Members members = members_of(std::vector<uint32_t>(c.members, 100));
    double sum = 0;
    size_t rounds = 0;
    for (size_t leaver = 0; leaver < c.members; leaver += c.members / 10 + 1, rounds++) {
      sum += disturbed(members, leaver, c.bits);
    }
    EXPECT_LT(sum / static_cast<double>(rounds), c.mean_max) << c.members << " members";
  }
}

TEST(Maglev, RefusesARingOrAWeightBeyondTheLimits) {
  EXPECT_DEATH((void)maglev_build({}, SLUICE_RING_BITS_MAX + 1), "SLUICE_RING_BITS_MAX");
  EXPECT_DEATH((void)maglev_build({{1, 1, SLUICE_WEIGHT_MAX + 1}}, 8), "SLUICE_WEIGHT_MAX");
}

TEST(RingBits, Give64SlotsABackendAndNeverShrink) {
  EXPECT_EQ(ring_bits_for(0, 0), 8);
  EXPECT_EQ(ring_bits_for(4, 0), 8);
  EXPECT_EQ(ring_bits_for(5, 0), 9);
  EXPECT_EQ(ring_bits_for(1000, 0), 16);
  EXPECT_EQ(ring_bits_for(1024, 0), 16);
  EXPECT_EQ(ring_bits_for(100000, 0), 16);
  EXPECT_EQ(ring_bits_for(3, 12), 12);
  EXPECT_EQ(ring_bits_for(200, 12), 14);
}

// A change of these figures moves connections when directors of two versions serve together.
TEST(BackendIdentity, IsTheSameForever) {
  EXPECT_EQ(identity_of("10.0.0.11:8443"), 1420413034798798810U);
  EXPECT_EQ(identity_of("[2001:db8::11]:8443"), 9184577293965414059U);
}

TEST(BackendIdentity, TellsAddressesAndPortsApart) {
  EXPECT_NE(identity_of("10.0.0.11:80"), identity_of("10.0.0.11:81"));
  EXPECT_NE(identity_of("10.0.0.11:80"), identity_of("10.0.0.12:80"));
  EXPECT_NE(identity_of("[2001:db8::1]:80"), identity_of("[2001:db8:0:1::1]:80"));
}

}  // namespace
}  // namespace sluice
