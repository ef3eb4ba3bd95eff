// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/units.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>
#include <string_view>

namespace sluice {
namespace {

// The largest unit in which the amount is at least one; whole numbers below the second unit.
std::string scaled(double amount, double step, std::span<const std::string_view> units) {
  size_t unit = 0;
  // An amount that would be rounded up to a whole step takes the next unit: never "1024.0 KiB".
  while (unit + 1 < units.size() && std::round(amount * 10) / 10 >= step) {
    amount /= step;
    unit++;
  }
  return unit == 0 ? fmt::format("{:.0f} {}", amount, units[0])
                   : fmt::format("{:.1f} {}", amount, units[unit]);
}

}  // namespace

std::string bytes_for_people(uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  return scaled(static_cast<double>(bytes), 1024, units);
}

std::string rate_for_people(uint64_t bytes_per_sec) {
  static constexpr std::array<std::string_view, 4> units{"bit/s", "kbit/s", "Mbit/s", "Gbit/s"};
  return scaled(static_cast<double>(bytes_per_sec) * 8, 1000, units);
}

std::string duration_for_people(uint64_t us) {
  static constexpr std::array<std::string_view, 3> units{"us", "ms", "s"};
  return scaled(static_cast<double>(us), 1000, units);
}

double share_percent(uint64_t part, uint64_t all) {
  if (all == 0) return 0;
  return std::round(static_cast<double>(part) * 10000 / static_cast<double>(all)) / 100;
}

std::string share_for_people(uint64_t part, uint64_t all) {
  return fmt::format("{:.1f} %", share_percent(part, all));
}

}  // namespace sluice
