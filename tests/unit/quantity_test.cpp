// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Rates and sizes as tc writes them.
#include "model/quantity.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "unit/support/expect_misused.h"

namespace sluice {
namespace {

TEST(Rate, IsReadAsTcReadsIt) {
  const std::vector<std::pair<std::string_view, uint64_t>> cases = {
      {"50mbit", 6250000},
      {"1gbit", 125000000},
      {"2.5gbit", 312500000},
      {"800kbit", 100000},
      {"12mbps", 12000000},
      {"1gibit", 134217728},
      {"8000", 1000},
      {"8000bit", 1000},
      {"1kbps", 1000},
      {"1000bps", 1000},
      {"1mibit", 131072},
      {"1kibps", 1024},
      {"64kibit", 8192},
      {"0.1tbit", 12500000000},
      {"400gbit", 50000000000},
      {"50MBit", 6250000},
      {"1.5mibps", 1572864},
      {"0.000008gbit", 1000},
      {"8001bit", 1000},
      {"0050mbit", 6250000},
      {"1mibps", 1048576},
      {"0.5gibps", 536870912},
      {"0.001tbps", 1000000000},
      {"0.01tibps", 10995116277},
      {"0.01tibit", 1374389534},
      {"1gbps", 1000000000},
  };
  for (const auto& [text, want] : cases) {
    auto rate = parse_rate(text);
    ASSERT_TRUE(rate.has_value()) << rate.error().text;
    EXPECT_EQ(*rate, want) << text;
  }
}

TEST(Rate, RefusesAndSaysWhy) {
  for (auto text : {"", "mbit", "50mbits", "50 mbit", " 50mbit", "50mbit ", "fast", ".5gbit",
                    "5.gbit", "1.2.3mbit", "1e9", "+5mbit", "0x50", "50kb", "inf", "nan", "1,5gbit",
                    "1234567890123456789"}) {
    expect_misused(parse_rate(text), "rate \"" + std::string(text) +
                                         "\": not a rate; write it as in 50mbit or 2.5gbit");
  }
  expect_misused(parse_rate("-5mbit"), "rate \"-5mbit\": negative");
  for (auto text : {"0", "0mbit", "0.000gbit"}) {
    expect_misused(parse_rate(text),
                   "rate \"" + std::string(text) + "\": zero would let nothing pass");
  }
  for (auto text : {"7999bit", "7.999kbit", "0.9kbps", "1"}) {
    expect_misused(parse_rate(text),
                   "rate \"" + std::string(text) + "\": below 8kbit, the lowest that can be paced");
  }
  for (auto text : {"400000000001bit", "400.1gbit", "1tbit", "999999999999999999tibps"}) {
    expect_misused(parse_rate(text), "rate \"" + std::string(text) +
                                         "\": above 400gbit, the highest that can be paced");
  }
}

TEST(Rate, IsWrittenShortAndExact) {
  const std::vector<std::pair<uint64_t, std::string_view>> cases = {
      {6250000, "50mbit"},    {125000000, "1gbit"},  {312500000, "2.5gbit"},
      {1000, "8kbit"},        {134217728, "1gibit"}, {131072, "1mibit"},
      {1001, "8008bit"},      {156250, "1250kbit"},  {12500000000, "100gbit"},
      {8192, "64kibit"},      {0, "0bit"},           {1, "8bit"},
      {187500000, "1.5gbit"}, {62500000, "500mbit"},
  };
  for (const auto& [rate, want] : cases) EXPECT_EQ(rate_text(rate), want);
  EXPECT_EQ(rate_text(UINT64_MAX), "147573952589676412920bit");
}

TEST(Rate, WhatIsWrittenIsReadBackTheSame) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20000; round++) {
    uint64_t rate = 1000 + (random() >> (28 + random() % 20)) % (50000000000 - 1000 + 1);
    if (round % 2 == 0) rate = (rate + 999) / 1000 * 1000;
    auto back = parse_rate(rate_text(rate));
    ASSERT_TRUE(back.has_value()) << back.error().text;
    ASSERT_EQ(*back, rate) << rate_text(rate);
  }
}

TEST(Size, IsReadAsTcReadsIt) {
  const std::vector<std::pair<std::string_view, uint32_t>> cases = {
      {"256kib", 262144},   {"1mib", 1048576},
      {"64kb", 65536},      {"65536", 65536},
      {"65536b", 65536},    {"64k", 65536},
      {"1m", 1048576},      {"1mb", 1048576},
      {"1g", 1073741824},   {"1gb", 1073741824},
      {"1gib", 1073741824}, {"1.5kib", 1536},
      {"256KiB", 262144},   {"1", 1},
      {"0.25mib", 262144},
  };
  for (const auto& [text, want] : cases) {
    auto size = parse_size(text);
    ASSERT_TRUE(size.has_value()) << size.error().text;
    EXPECT_EQ(*size, want) << text;
  }
}

TEST(Size, RefusesAndSaysWhy) {
  for (auto text :
       {"", "kib", "256 kib", "big", "1e6", "0x10", "5mbit", "1.kib", "12345678901234567890"}) {
    expect_misused(parse_size(text), "size \"" + std::string(text) +
                                         "\": not a size; write it as in 256kib or 65536");
  }
  expect_misused(parse_size("-1"), "size \"-1\": negative");
  expect_misused(parse_size("0"), "size \"0\": zero would let nothing pass");
  expect_misused(parse_size("0kib"), "size \"0kib\": zero would let nothing pass");
  expect_misused(parse_size("1.5b"), "size \"1.5b\": not a whole number of bytes");
  expect_misused(parse_size("0.1kib"), "size \"0.1kib\": not a whole number of bytes");
  for (auto text : {"1073741825", "1.5gib", "4294967296", "999999999999999999gib"}) {
    expect_misused(parse_size(text), "size \"" + std::string(text) +
                                         "\": above 1gib, the largest window of TCP (RFC 7323)");
  }
}

TEST(Size, IsWrittenShortAndExact) {
  const std::vector<std::pair<uint64_t, std::string_view>> cases = {
      {262144, "256kib"},  {65536, "64kib"}, {1048576, "1mib"},    {1000, "1000b"},
      {1, "1b"},           {1536, "1536b"},  {1073741824, "1gib"}, {1073676288, "1048512kib"},
      {1572864, "1.5mib"},
  };
  for (const auto& [size, want] : cases) EXPECT_EQ(size_text(size), want);
}

TEST(Size, WhatIsWrittenIsReadBackTheSame) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 20000; round++) {
    uint64_t size = 1 + (random() >> (34 + random() % 24)) % (uint64_t{1} << 30);
    auto back = parse_size(size_text(size));
    ASSERT_TRUE(back.has_value()) << back.error().text;
    ASSERT_EQ(*back, size) << size_text(size);
  }
}

TEST(Duration, IsReadInEveryUnit) {
  const std::vector<std::pair<std::string_view, uint32_t>> cases = {
      {"60s", 60},    {"15m", 900}, {"15min", 900}, {"2h", 7200},
      {"7d", 604800}, {"90", 90},   {"1.5h", 5400},
  };
  for (const auto& [text, seconds] : cases) EXPECT_EQ(parse_duration_s(text), seconds) << text;
}

TEST(Duration, RefusesWhatIsNone) {
  for (auto text : {"", "s", "soon", "5 m", "-1s", "3w"}) {
    expect_misused(parse_duration_s(text), "duration \"" + std::string(text) +
                                               "\": not a duration; write it as in 15m or 60s");
  }
  for (auto text : {"0", "0h", "8d", "604801"}) {
    expect_misused(parse_duration_s(text),
                   "duration \"" + std::string(text) + "\": a time-out is 1s to 7d");
  }
  expect_misused(parse_duration_s("0.5s"), "duration \"0.5s\": not a whole number of seconds");
}

TEST(Duration, IsWrittenInTheLargestUnitThatFits) {
  const std::vector<std::pair<uint64_t, std::string_view>> cases = {
      {60, "1m"}, {61, "61s"}, {900, "15m"}, {7200, "2h"}, {86400, "1d"}, {90000, "25h"}};
  for (const auto& [seconds, want] : cases) EXPECT_EQ(duration_text(seconds), want);
}

}  // namespace
}  // namespace sluice
