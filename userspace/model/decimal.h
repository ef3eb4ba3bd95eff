// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whole numbers in decimal. Every number in an argument or in the file is read here.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

// Digits only: no sign, no space, no base prefix. Nothing if it exceeds `max`.
inline std::optional<uint64_t> parse_decimal(std::string_view text, uint64_t max) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return {};
  auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value > max) return {};
  return value;
}

}  // namespace sluice
