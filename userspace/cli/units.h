// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Quantities rounded for people. JSON has exact numbers; model/quantity.h parses and prints the
// exact quantities of commands.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

[[nodiscard]] std::string bytes_for_people(uint64_t bytes);               // "1.4 GiB"
[[nodiscard]] std::string rate_for_people(uint64_t bytes_per_sec);        // "47.3 Mbit/s"
[[nodiscard]] std::string duration_for_people(uint64_t us);               // "40.2 ms"
[[nodiscard]] std::string share_for_people(uint64_t part, uint64_t all);  // "33.3 %"
// The same as a number with two decimals. 0 if `all` is 0.
[[nodiscard]] double share_percent(uint64_t part, uint64_t all);

}  // namespace sluice
