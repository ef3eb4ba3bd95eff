// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Incremental checksum updates against full sums, with words from the edges of one's complement
// arithmetic.
#include "pure/checksum.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>

namespace {

using Words = std::array<uint16_t, 20>;

__sum16 full_checksum(const Words& words) {
  uint32_t sum = 0;
  for (uint16_t word : words) sum += word;
  return static_cast<__sum16>(~checksum_fold(sum));
}

// 0x0000 and 0xffff are the same number in one's complement; a receiver accepts both.
bool same_checksum(__sum16 a, __sum16 b) {
  return a % 0xffff == b % 0xffff;
}

// A receiver's check: the sum over all words, checksum included, is all ones.
bool receiver_accepts(const Words& words, __sum16 check) {
  uint32_t sum = check;
  for (uint16_t word : words) sum += word;
  return checksum_fold(sum) == 0xffff;
}

class Packets {
 public:
  Words next() {
    Words words;
    for (auto& word : words) {
      // Half of the words are edge values, which produce carries.
      static constexpr std::array<uint16_t, 4> edges{0x0000, 0xffff, 0x0001, 0xfffe};
      const auto draw = static_cast<uint32_t>(random_());
      word = (draw & 1) != 0 ? edges[(draw >> 1) % edges.size()] : static_cast<uint16_t>(draw >> 8);
    }
    return words;
  }

 private:
  std::mt19937 random_{1624};
};

TEST(Checksum, FoldKeepsEveryCarry) {
  EXPECT_EQ(checksum_fold(0), 0);
  EXPECT_EQ(checksum_fold(0xffff), 0xffff);
  EXPECT_EQ(checksum_fold(0x1fffe), 0xffff);
  EXPECT_EQ(checksum_fold(0xffffffff), 0xffff);
  EXPECT_EQ(checksum_fold(0x0001ffff), 0x0001);
  EXPECT_EQ(checksum_fold64(0xffffffffffffffff), 0xffff);
  EXPECT_EQ(checksum_fold64(0x0001ffff00000000), 0x0001);
}

TEST(Checksum, TheExampleOfRfc1624IsReproduced) {
  // RFC 1624, section 4: 0xdd2f, a word 0x5555 becomes 0x3285; equation 2 gives 0xffff wrongly.
  EXPECT_EQ(checksum_replace2(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(Checksum, ReplacingTwoBytesEqualsAFullSum) {
  Packets packets;
  for (int round = 0; round < 20000; round++) {
    Words words = packets.next();
    const __sum16 before = full_checksum(words);
    const uint16_t from = words[7];
    const uint16_t to = packets.next()[0];
    words[7] = to;
    const __sum16 after = checksum_replace2(before, from, to);
    ASSERT_TRUE(same_checksum(after, full_checksum(words))) << from << " -> " << to;
    ASSERT_TRUE(receiver_accepts(words, after)) << from << " -> " << to;
  }
}

TEST(Checksum, ReplacingFourBytesEqualsAFullSum) {
  Packets packets;
  for (int round = 0; round < 20000; round++) {
    Words words = packets.next();
    const Words other = packets.next();
    const __sum16 before = full_checksum(words);
    uint32_t from = 0;
    uint32_t to = 0;
    std::memcpy(&from, &words[4], sizeof(from));
    std::memcpy(&to, other.data(), sizeof(to));
    std::memcpy(&words[4], &to, sizeof(to));
    const __sum16 after = checksum_replace4(before, from, to);
    ASSERT_TRUE(same_checksum(after, full_checksum(words))) << from << " -> " << to;
    ASSERT_TRUE(receiver_accepts(words, after)) << from << " -> " << to;
  }
}

TEST(Checksum, ReplacingSixteenBytesEqualsAFullSum) {
  Packets packets;
  for (int round = 0; round < 20000; round++) {
    Words words = packets.next();
    const Words other = packets.next();
    const __sum16 before = full_checksum(words);
    std::array<uint32_t, 4> from{};
    std::array<uint32_t, 4> to{};
    std::memcpy(from.data(), &words[4], sizeof(from));
    std::memcpy(to.data(), other.data(), sizeof(to));
    std::memcpy(&words[4], to.data(), sizeof(to));
    const __sum16 after = checksum_replace16(before, from.data(), to.data());
    ASSERT_TRUE(same_checksum(after, full_checksum(words)));
    ASSERT_TRUE(receiver_accepts(words, after));
  }
}

TEST(Checksum, AUdpChecksumOfZeroIsSentAsAllOnes) {
  EXPECT_EQ(checksum_udp(0), 0xffff);
  EXPECT_EQ(checksum_udp(0x1234), 0x1234);
}

}  // namespace
