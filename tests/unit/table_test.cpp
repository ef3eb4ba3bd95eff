// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Layout of the command line's tables.
#include "cli/table.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/units.h"

namespace sluice {
namespace {

std::string printed(const auto& layout) {
  std::ostringstream out;
  layout.print(out);
  return out.str();
}

TEST(Table, WordsAreLeftAlignedAndNumbersRightAligned) {
  Table table({{"SERVICE"}, {"WEIGHT", Align::right}, {"STATE"}});
  table.add({"web", "100", "up"});
  table.add({"a-longer-name", "7", "draining"});
  EXPECT_EQ(printed(table),
            "SERVICE        WEIGHT  STATE\n"
            "web               100  up\n"
            "a-longer-name       7  draining\n");
}

TEST(Table, NumberLongerThanItsColumnsNameIsNotCut) {
  Table table({{"N", Align::right}, {"X", Align::right}});
  table.add({"18446744073709551615", "1"});
  EXPECT_EQ(printed(table),
            "                   N  X\n"
            "18446744073709551615  1\n");
}

TEST(Table, EmptyOrMissingCellIsADash) {
  Table table({{"A"}, {"B"}, {"C", Align::right}});
  table.add({"", "b"});
  EXPECT_EQ(printed(table),
            "A  B  C\n"
            "-  b  -\n");
}

TEST(Table, NoLineEndsInBlanks) {
  Table table({{"NAME"}, {"LAST"}});
  table.add({"web", "x"});
  table.add({"web", "longer"});
  std::istringstream lines(printed(table));
  for (std::string line; std::getline(lines, line);) EXPECT_NE(line.back(), ' ') << line;
}

TEST(Table, TableWithoutRowsPrintsItsNames) {
  const Table table({{"NAME"}, {"LAST"}});
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(printed(table), "NAME  LAST\n");
}

TEST(Facts, ValuesAreAligned) {
  Facts facts;
  facts.add("service", "web");
  facts.add("backends up", "2 of 3");
  facts.add("policy", "");
  EXPECT_EQ(printed(facts),
            "service      web\n"
            "backends up  2 of 3\n"
            "policy       -\n");
}

TEST(Units, BytesUseTheLargestUnitWithAtLeastOne) {
  EXPECT_EQ(bytes_for_people(0), "0 B");
  EXPECT_EQ(bytes_for_people(1023), "1023 B");
  EXPECT_EQ(bytes_for_people(1024), "1.0 KiB");
  EXPECT_EQ(bytes_for_people(1536), "1.5 KiB");
  EXPECT_EQ(bytes_for_people(1048575), "1.0 MiB");
  EXPECT_EQ(bytes_for_people(UINT64_MAX), "16384.0 PiB");
}

TEST(Units, RatesAreInBitsPerSecond) {
  EXPECT_EQ(rate_for_people(0), "0 bit/s");
  EXPECT_EQ(rate_for_people(6250000), "50.0 Mbit/s");
  EXPECT_EQ(rate_for_people(5912500), "47.3 Mbit/s");
  EXPECT_EQ(rate_for_people(125000000), "1.0 Gbit/s");
}

TEST(Units, DurationsGoFromMicrosecondsToSeconds) {
  EXPECT_EQ(duration_for_people(312), "312 us");
  EXPECT_EQ(duration_for_people(40200), "40.2 ms");
  EXPECT_EQ(duration_for_people(2500000), "2.5 s");
}

TEST(Units, ShareOfZeroIsZero) {
  EXPECT_EQ(share_for_people(0, 0), "0.0 %");
  EXPECT_EQ(share_for_people(1, 3), "33.3 %");
  EXPECT_DOUBLE_EQ(share_percent(1, 3), 33.33);
  EXPECT_DOUBLE_EQ(share_percent(3, 3), 100);
}

}  // namespace
}  // namespace sluice
