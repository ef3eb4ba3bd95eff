// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/health.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include "model/decimal.h"

namespace sluice {

namespace {

template <typename Value>
struct Word {
  Value value;
  std::string_view text;
};

constexpr auto kinds = std::to_array<Word<CheckKind>>({{CheckKind::tcp, "tcp"},
                                                       {CheckKind::http, "http"},
                                                       {CheckKind::https, "https"},
                                                       {CheckKind::dns, "dns"},
                                                       {CheckKind::udp, "udp"},
                                                       {CheckKind::script, "script"}});
constexpr auto vias =
    std::to_array<Word<CheckVia>>({{CheckVia::service, "service"}, {CheckVia::backend, "backend"}});
constexpr auto all_downs =
    std::to_array<Word<AllDown>>({{AllDown::drop, "drop"}, {AllDown::keep, "keep"}});
constexpr auto weightings = std::to_array<Word<Weights>>(
    {{Weights::fixed, "fixed"}, {Weights::advise, "advise"}, {Weights::adapt, "adapt"}});
constexpr auto record_types =
    std::to_array<std::string_view>({"A", "AAAA", "CNAME", "MX", "NS", "SOA", "SRV", "TXT"});

constexpr size_t payload_max =
    512;  // bytes: resolvers and most services accept them in one datagram
constexpr std::string_view hex_prefix = "hex:";

template <typename Value>
Result<Value> find_word(std::string_view what, std::string_view text,
                        std::span<const Word<Value>> words) {
  std::vector<std::string_view> known;
  for (const auto& word : words) {
    if (word.text == text) return word.value;
    known.push_back(word.text);
  }
  return misused("{} {:?}: there is no such one; write {}", what, text, fmt::join(known, ", "));
}

template <typename Value>
std::string_view text_of(Value value, std::span<const Word<Value>> words) {
  for (const auto& word : words)
    if (word.value == value) return word.text;
  return "unknown";
}

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

}  // namespace

Result<CheckKind> parse_check_kind(std::string_view text) {
  return find_word<CheckKind>("check", text, kinds);
}
Result<CheckVia> parse_check_via(std::string_view text) {
  return find_word<CheckVia>("via", text, vias);
}
Result<AllDown> parse_all_down(std::string_view text) {
  return find_word<AllDown>("all-down", text, all_downs);
}
Result<Weights> parse_weights(std::string_view text) {
  return find_word<Weights>("weights", text, weightings);
}

std::string_view check_kind_text(CheckKind kind) {
  return text_of<CheckKind>(kind, kinds);
}
std::string_view check_via_text(CheckVia via) {
  return text_of<CheckVia>(via, vias);
}
std::string_view all_down_text(AllDown all_down) {
  return text_of<AllDown>(all_down, all_downs);
}
std::string_view weights_text(Weights weights) {
  return text_of<Weights>(weights, weightings);
}

Result<StatusRange> parse_status_range(std::string_view text) {
  constexpr uint64_t lowest = 100;
  constexpr uint64_t highest = 599;
  const size_t dash = text.find('-');
  const auto first = parse_decimal(text.substr(0, dash), highest);
  const auto last =
      dash == std::string_view::npos ? first : parse_decimal(text.substr(dash + 1), highest);
  if (!first || !last || *first < lowest || *last < *first)
    return misused("status {:?}: not a status of HTTP; write it as in 200 or 200-299", text);
  return StatusRange{static_cast<uint16_t>(*first), static_cast<uint16_t>(*last)};
}

std::string status_range_text(const StatusRange& range) {
  if (range.first == range.last) return fmt::format("{}", range.first);
  return fmt::format("{}-{}", range.first, range.last);
}

Result<std::string> parse_record_type(std::string_view text) {
  if (std::find(record_types.begin(), record_types.end(), text) != record_types.end())
    return std::string(text);
  return misused("type {:?}: not a type of DNS records; write {}", text,
                 fmt::join(record_types, ", "));
}

Result<std::string> parse_dns_name(std::string_view text) {
  constexpr size_t name_max = 253;  // RFC 1035, 2.3.4
  constexpr size_t label_max = 63;
  std::string_view name = text;
  if (name.ends_with('.')) name.remove_suffix(1);
  bool valid = !name.empty() && name.size() <= name_max;
  size_t label = 0;
  for (size_t i = 0; valid && i <= name.size(); i++) {
    if (i == name.size() || name[i] == '.') {
      valid = label > 0 && label <= label_max;
      label = 0;
    } else {
      const auto letter = static_cast<unsigned char>(name[i]);
      valid = letter < 0x80 && (std::isalnum(letter) != 0 || letter == '-' || letter == '_');
      label++;
    }
  }
  if (!valid) return misused("name {:?}: not a name of DNS; write it as in www.example.org", text);
  return std::string(name);
}

Result<std::string> parse_payload(std::string_view text) {
  std::string bytes(text);
  if (text.starts_with(hex_prefix)) {
    const std::string_view digits = text.substr(hex_prefix.size());
    bytes.clear();
    bool valid = digits.size() % 2 == 0;
    for (size_t i = 0; valid && i < digits.size(); i += 2) {
      const int high = hex_digit(digits[i]);
      const int low = hex_digit(digits[i + 1]);
      valid = high >= 0 && low >= 0;
      bytes.push_back(static_cast<char>(high * 16 + low));
    }
    if (!valid)
      return misused("payload {:?}: after hex: there are two digits per byte, as in hex:00ff",
                     text);
  }
  if (bytes.size() > payload_max)
    return misused("payload: {} bytes, where {} fit into every datagram", bytes.size(),
                   payload_max);
  return bytes;
}

std::string payload_text(std::string_view bytes) {
  const bool plain =
      std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (plain && !bytes.starts_with(hex_prefix)) return std::string(bytes);
  std::string text(hex_prefix);
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

Result<uint16_t> parse_port(std::string_view text) {
  const auto port = parse_decimal(text, 65535);
  if (!port || *port == 0) return misused("port {:?}: not a whole number from 1 to 65535", text);
  return static_cast<uint16_t>(*port);
}

Result<uint32_t> parse_number(std::string_view what, std::string_view text, uint32_t min,
                              uint32_t max) {
  const auto number = parse_decimal(text, max);
  if (!number || *number < min)
    return misused("{} {:?}: not a whole number from {} to {}", what, text, min, max);
  return static_cast<uint32_t>(*number);
}

}  // namespace sluice
