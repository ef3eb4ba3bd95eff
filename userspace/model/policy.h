// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a service may use, limit by limit: each has a name that the command line and files know it
// by, and a value that is written and read the same way wherever it is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/address.h"
#include "support/result.h"

namespace sluice {

// 0: no limit. struct sluice_policy says what each of them means.
struct Policy {
  uint64_t flow_rate_bytes_per_sec = 0;
  uint64_t window_bytes = 0;
  uint64_t connections_per_sec = 0;
  uint64_t rate_bytes_per_sec = 0;
  uint64_t ingress_rate_bytes_per_sec = 0;
  uint64_t window_rate_bytes_per_sec = 0;
  uint64_t loss_ppm = 0;
  uint64_t mark_ppm = 0;
  uint64_t weight = 0;

  // Does what its clients send need a look at its windows?
  [[nodiscard]] bool lowers_windows() const;
  // Does it spoil packets on purpose?
  [[nodiscard]] bool impairs() const { return loss_ppm > 0 || mark_ppm > 0; }
  friend bool operator==(const Policy&, const Policy&) = default;
};

// What is to be set; nothing: stays as it was, 0: no limit any more.
struct PolicyPatch {
  std::optional<uint64_t> flow_rate_bytes_per_sec{};
  std::optional<uint64_t> window_bytes{};
  std::optional<uint64_t> connections_per_sec{};
  std::optional<uint64_t> rate_bytes_per_sec{};
  std::optional<uint64_t> ingress_rate_bytes_per_sec{};
  std::optional<uint64_t> window_rate_bytes_per_sec{};
  std::optional<uint64_t> loss_ppm{};
  std::optional<uint64_t> mark_ppm{};
  std::optional<uint64_t> weight{};

  friend bool operator==(const PolicyPatch&, const PolicyPatch&) = default;
};

struct PolicyLimit {
  std::string_view name;   // "flow-rate": the option, without its dashes, and the key in a file
  std::string_view words;  // "flow rate": in a sentence, and the head of a column
  std::string_view field;  // "flow_rate_bytes_per_sec": in JSON
  std::string_view kind;   // "RATE": what the value is, in a help page
  std::string_view help;
  bool always_shown;  // also where nobody has set it, so that it is seen what could be
  uint64_t Policy::*value;
  std::optional<uint64_t> PolicyPatch::*patch;
  Result<uint64_t> (*parse)(std::string_view text);
  std::string (*text)(uint64_t value);  // parse(text(x)) == x
};

// All of them, as they are listed everywhere.
[[nodiscard]] std::span<const PolicyLimit> policy_limits();

// "50mbit" as this limit has it; "none" lifts it.
Result<uint64_t> parse_limit(const PolicyLimit& limit, std::string_view text);
// "50mbit", or "none".
[[nodiscard]] std::string limit_text(const PolicyLimit& limit, const Policy& policy);
// "flow rate 50mbit, window 256kib": those that are set.
[[nodiscard]] std::string policy_text(const Policy& policy);

// What flows of a service's clients of this prefix weigh; the longest prefix that holds a client
// decides, and where none does the policy's weight.
struct ClientWeight {
  uint32_t service = 0;
  Prefix prefix;
  uint32_t weight = 1;

  friend bool operator==(const ClientWeight&, const ClientWeight&) = default;
};

[[nodiscard]] bool is_empty(const PolicyPatch& patch);
[[nodiscard]] Policy policy_with(const PolicyPatch& patch, Policy policy);
// A window below one segment, two limits that exclude each other.
Result<void> check_policy(const Policy& policy);

// New connections a second: 1 to SLUICE_CONNECTION_RATE_MAX, a whole number, "/s" behind it or not.
Result<uint32_t> parse_connection_rate(std::string_view text);
// "1%", "0.5%": parts in a million. Above zero, at most `max_ppm`.
Result<uint32_t> parse_probability(std::string_view text, uint32_t max_ppm);
[[nodiscard]] std::string probability_text(uint64_t ppm);
// Of a flow among others: 1 to SLUICE_FLOW_WEIGHT_MAX.
Result<uint32_t> parse_flow_weight(std::string_view text);

}  // namespace sluice
