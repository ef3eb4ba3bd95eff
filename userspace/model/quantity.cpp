// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/quantity.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <span>

#include "sluice/limits.h"

namespace sluice {

namespace {

// Wide enough for 18 digits of the largest unit, and for 2^64 bytes in bits.
__extension__ using Wide = unsigned __int128;

struct Unit {
  std::string_view suffix;
  uint64_t of;  // in bit/s, or in bytes
};

constexpr uint64_t kKilo = 1000;
constexpr uint64_t kMega = 1000 * kKilo;
constexpr uint64_t kGiga = 1000 * kMega;
constexpr uint64_t kTera = 1000 * kGiga;
constexpr uint64_t kKibi = 1024;
constexpr uint64_t kMebi = 1024 * kKibi;
constexpr uint64_t kGibi = 1024 * kMebi;
constexpr uint64_t kTebi = 1024 * kGibi;

// The units of iproute2 (lib/utils.c): "bps" is bytes per second.
constexpr auto kRates = std::to_array<Unit>({
    {"", 1},
    {"bit", 1},
    {"kbit", kKilo},
    {"mbit", kMega},
    {"gbit", kGiga},
    {"tbit", kTera},
    {"kibit", kKibi},
    {"mibit", kMebi},
    {"gibit", kGibi},
    {"tibit", kTebi},
    {"bps", 8},
    {"kbps", 8 * kKilo},
    {"mbps", 8 * kMega},
    {"gbps", 8 * kGiga},
    {"tbps", 8 * kTera},
    {"kibps", 8 * kKibi},
    {"mibps", 8 * kMebi},
    {"gibps", 8 * kGibi},
    {"tibps", 8 * kTebi},
});
// A kilobyte of a size is 1024 bytes in every spelling.
constexpr auto kSizes = std::to_array<Unit>({
    {"", 1},
    {"b", 1},
    {"k", kKibi},
    {"kb", kKibi},
    {"kib", kKibi},
    {"m", kMebi},
    {"mb", kMebi},
    {"mib", kMebi},
    {"g", kGibi},
    {"gb", kGibi},
    {"gib", kGibi},
});

// Units in output, in order of preference among spellings of equal length.
constexpr auto kRatesWritten = std::to_array<Unit>({
    {"gbit", kGiga},
    {"mbit", kMega},
    {"kbit", kKilo},
    {"bit", 1},
    {"gibit", kGibi},
    {"mibit", kMebi},
    {"kibit", kKibi},
});
constexpr auto kSizesWritten =
    std::to_array<Unit>({{"gib", kGibi}, {"mib", kMebi}, {"kib", kKibi}, {"b", 1}});

constexpr auto kDurations =
    std::to_array<Unit>({{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}});
constexpr auto kIntervals = std::to_array<Unit>(
    {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"min", 60'000}, {"h", 3'600'000}});
constexpr uint32_t kIntervalMinMs = 10;
constexpr uint32_t kIntervalMaxMs = 3'600'000;
constexpr auto kDurationsWritten =
    std::to_array<Unit>({{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}});

constexpr uint64_t kRateMinBits = 8 * kKilo;
constexpr uint64_t kRateMaxBits = 400 * kGiga;
constexpr uint64_t kSizeMax = kGibi;
constexpr size_t kDigitsMax = 18;

// A decimal fraction and its unit, exactly: digits * unit / scale.
struct Number {
  uint64_t digits = 0;
  uint64_t scale = 1;
  std::string unit;  // lower case: tc reads either
};

// Digits with at most one point between them, then letters; nothing otherwise.
std::optional<Number> read_number(std::string_view text) {
  Number number;
  size_t seen = 0;
  bool fraction = false;
  size_t at = 0;
  for (; at < text.size(); at++) {
    char letter = text[at];
    if (letter == '.' && !fraction && seen > 0) {
      fraction = true;
      continue;
    }
    if (letter < '0' || letter > '9') break;
    if (++seen > kDigitsMax) return {};
    number.digits = number.digits * 10 + static_cast<uint64_t>(letter - '0');
    if (fraction) number.scale *= 10;
  }
  if (seen == 0 || text[at - 1] == '.') return {};
  for (char letter : text.substr(at)) {
    number.unit += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return number;
}

const Unit* find_unit(std::span<const Unit> units, std::string_view suffix) {
  auto found = std::find_if(units.begin(), units.end(),
                            [suffix](const Unit& unit) { return unit.suffix == suffix; });
  return found == units.end() ? nullptr : &*found;
}

std::string wide_text(Wide value) {
  std::string text;
  do {
    text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return text;
}

// The loop ends because every unit divides a power of ten.
std::string written_in(Wide value, const Unit& unit) {
  std::string text = wide_text(value / unit.of);
  Wide rest = value % unit.of;
  if (rest != 0) text += '.';
  while (rest != 0) {
    rest *= 10;
    text += static_cast<char>('0' + static_cast<int>(rest / unit.of));
    rest %= unit.of;
  }
  return text.append(unit.suffix);
}

// The shortest spelling; a whole number before a fraction of equal length.
std::string shortest(Wide value, std::span<const Unit> units) {
  auto cost = [](const std::string& text) {
    return 2 * text.size() + (text.find('.') == std::string::npos ? 0 : 1);
  };
  std::string best = written_in(value, units.front());
  for (const Unit& unit : units.subspan(1)) {
    std::string text = written_in(value, unit);
    if (cost(text) < cost(best)) best = text;
  }
  return best;
}

}  // namespace

Result<uint64_t> parse_rate(std::string_view text) {
  if (text.starts_with('-')) return misused("rate {:?}: negative", text);
  auto number = read_number(text);
  const Unit* unit = number ? find_unit(kRates, number->unit) : nullptr;
  if (unit == nullptr)
    return misused("rate {:?}: not a rate; write it as in 50mbit or 2.5gbit", text);
  Wide bits_scaled = static_cast<Wide>(number->digits) * unit->of;
  if (bits_scaled == 0) return misused("rate {:?}: zero would let nothing pass", text);
  if (bits_scaled < static_cast<Wide>(kRateMinBits) * number->scale) {
    return misused("rate {:?}: below 8kbit, the lowest that can be paced", text);
  }
  if (bits_scaled > static_cast<Wide>(kRateMaxBits) * number->scale) {
    return misused("rate {:?}: above 400gbit, the highest that can be paced", text);
  }
  return static_cast<uint64_t>(bits_scaled / number->scale / 8);
}

Result<uint32_t> parse_size(std::string_view text) {
  if (text.starts_with('-')) return misused("size {:?}: negative", text);
  auto number = read_number(text);
  const Unit* unit = number ? find_unit(kSizes, number->unit) : nullptr;
  if (unit == nullptr)
    return misused("size {:?}: not a size; write it as in 256kib or 65536", text);
  Wide scaled = static_cast<Wide>(number->digits) * unit->of;
  if (scaled == 0) return misused("size {:?}: zero would let nothing pass", text);
  if (scaled % number->scale != 0) return misused("size {:?}: not a whole number of bytes", text);
  if (scaled / number->scale > kSizeMax) {
    return misused("size {:?}: above 1gib, the largest window of TCP (RFC 7323)", text);
  }
  return static_cast<uint32_t>(scaled / number->scale);
}

Result<uint32_t> parse_duration_s(std::string_view text) {
  auto number = read_number(text);
  const Unit* unit = number ? find_unit(kDurations, number->unit) : nullptr;
  if (unit == nullptr)
    return misused("duration {:?}: not a duration; write it as in 15m or 60s", text);
  Wide scaled = static_cast<Wide>(number->digits) * unit->of;
  if (scaled % number->scale != 0)
    return misused("duration {:?}: not a whole number of seconds", text);
  Wide seconds = scaled / number->scale;
  if (seconds == 0 || seconds > SLUICE_TIMEOUT_S_MAX)
    return misused("duration {:?}: a time-out is 1s to {}", text,
                   duration_text(SLUICE_TIMEOUT_S_MAX));
  return static_cast<uint32_t>(seconds);
}

Result<uint32_t> parse_interval_ms(std::string_view text) {
  auto number = read_number(text);
  const Unit* unit = number ? find_unit(kIntervals, number->unit) : nullptr;
  if (unit == nullptr)
    return misused("interval {:?}: not a duration; write it as in 2s or 250ms", text);
  Wide scaled = static_cast<Wide>(number->digits) * unit->of;
  if (scaled % number->scale != 0)
    return misused("interval {:?}: not a whole number of milliseconds", text);
  Wide ms = scaled / number->scale;
  if (ms < kIntervalMinMs || ms > kIntervalMaxMs)
    return misused("interval {:?}: not from 10ms to 1h", text);
  return static_cast<uint32_t>(ms);
}

std::string number_text(uint64_t number) {
  return fmt::format("{}", number);
}

std::string rate_text(uint64_t bytes_per_sec) {
  return shortest(static_cast<Wide>(bytes_per_sec) * 8, kRatesWritten);
}

std::string size_text(uint64_t bytes) {
  return shortest(bytes, kSizesWritten);
}

// The largest unit that divides it: no fractions.
std::string duration_text(uint64_t seconds) {
  for (const Unit& unit : kDurationsWritten) {
    if (seconds != 0 && seconds % unit.of == 0)
      return fmt::format("{}{}", seconds / unit.of, unit.suffix);
  }
  return "0s";
}

std::string interval_text(uint64_t ms) {
  return ms % 1000 == 0 ? duration_text(ms / 1000) : fmt::format("{}ms", ms);
}

}  // namespace sluice
