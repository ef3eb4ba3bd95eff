// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The TCP option reader, which goes step by step for the verifier, on well-formed, malformed and
// random options.
#include "pure/tcp_options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace {

tcp_options read_options(const std::vector<uint8_t>& bytes) {
  tcp_options_walk walk{};
  std::copy(bytes.begin(), bytes.end(), walk.bytes);
  walk.length = static_cast<__u32>(bytes.size());
  for (int step = 0; step < TCP_OPTIONS_MAX && tcp_options_step(&walk) == 0; step++) {
  }
  return walk.options;
}

TEST(TcpOptions, TheOptionsOfALinuxSynAreRead) {
  const tcp_options options =
      read_options({2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7});
  EXPECT_EQ(options.mss, 1460);
  EXPECT_TRUE(options.has_scale);
  EXPECT_EQ(options.scale, 7);
  EXPECT_FALSE(options.is_signed);
  EXPECT_FALSE(options.is_malformed);
}

TEST(TcpOptions, EmptyOptionsAndPaddingHaveNoScale) {
  EXPECT_FALSE(read_options({}).has_scale);
  EXPECT_FALSE(read_options({0, 0, 0, 0}).has_scale);
  EXPECT_FALSE(read_options(std::vector<uint8_t>(40, 1)).has_scale);
}

TEST(TcpOptions, BytesBehindTheEndOfListAreNotRead) {
  EXPECT_FALSE(read_options({0, 3, 3, 7}).has_scale);
}

TEST(TcpOptions, AnOptionInTheLastBytesIsRead) {
  std::vector<uint8_t> bytes(37, 1);
  bytes.insert(bytes.end(), {3, 3, 9});
  EXPECT_EQ(read_options(bytes).scale, 9);
}

TEST(TcpOptions, AScaleAboveFourteenIsFourteen) {
  EXPECT_EQ(read_options({3, 3, 15, 0}).scale, 14);
  EXPECT_EQ(read_options({3, 3, 14, 0}).scale, 14);
}

TEST(TcpOptions, SignaturesAreFound) {
  std::vector<uint8_t> md5{19, 18};
  md5.resize(20);
  EXPECT_TRUE(read_options(md5).is_signed);
  std::vector<uint8_t> ao{1, 1, 29, 16, 1, 1};
  ao.resize(20);
  EXPECT_TRUE(read_options(ao).is_signed);
}

TEST(TcpOptions, InvalidLengthsAreMalformed) {
  EXPECT_TRUE(read_options({3, 0, 7, 0}).is_malformed);
  EXPECT_TRUE(read_options({3, 1, 7, 0}).is_malformed);
  EXPECT_TRUE(read_options({1, 1, 3, 3}).is_malformed);
  EXPECT_TRUE(read_options({1, 1, 1, 2}).is_malformed);
}

TEST(TcpOptions, RandomBytesGiveAScaleWithinItsBound) {
  std::mt19937 random(9293);
  for (int i = 0; i < 100'000; i++) {
    std::vector<uint8_t> bytes(random() % 11 * 4);
    // Small values, so that many of them are valid kinds and lengths.
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() % 20);
    EXPECT_LE(read_options(bytes).scale, CEILING_SCALE_MAX);
  }
}

}  // namespace
