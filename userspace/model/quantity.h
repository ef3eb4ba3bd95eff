// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Rates and sizes, written as tc writes them (tc(8), "PARAMETERS"), and durations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "support/result.h"

namespace sluice {

// "50mbit", "1gbit", "2.5gbit", "800kbit", "12mbps" (bytes), "1gibit"; a bare number is bit/s.
// Returns bytes per second. Refuses zero, negative, below 8 kbit/s, above 400 Gbit/s.
Result<uint64_t> parse_rate(std::string_view text);

// "256kib", "1mib", "64kb" (1024, as in tc), "65536" bytes, "65536b". Refuses zero, negative, and
// more than 1 GiB (the largest TCP window, RFC 7323, is 1 GiB - 64 KiB).
Result<uint32_t> parse_size(std::string_view text);

// "15m", "60s", "2h", "1d"; a bare number is seconds. Whole seconds, from 1 to
// SLUICE_TIMEOUT_S_MAX.
Result<uint32_t> parse_duration_s(std::string_view text);

// "250ms", "2s", "1.5s", "1m"; a bare number is seconds. Whole milliseconds, from 10 to an hour,
// for health checks.
Result<uint32_t> parse_interval_ms(std::string_view text);

[[nodiscard]] std::string number_text(uint64_t number);
// The shortest exact spelling: 6250000 -> "50mbit", 262144 -> "256kib". parse(text(x)) == x.
[[nodiscard]] std::string rate_text(uint64_t bytes_per_sec);
[[nodiscard]] std::string size_text(uint64_t bytes);
[[nodiscard]] std::string duration_text(uint64_t seconds);  // 900 -> "15m"
[[nodiscard]] std::string interval_text(uint64_t ms);       // 2000 -> "2s"

}  // namespace sluice
