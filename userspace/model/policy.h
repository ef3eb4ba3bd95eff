// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The limits of a policy, one row each. The command line, the configuration file and its schema,
// JSON, sentences and checks are derived from the table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/address.h"
#include "support/result.h"

namespace sluice {

// 0: no limit. struct sluice_policy (include/sluice/policy.h) says what each of them means.
struct Policy {
  uint64_t flow_rate_bytes_per_sec = 0;
  uint64_t window_bytes = 0;
  uint64_t connections_per_sec = 0;
  uint64_t rate_bytes_per_sec = 0;
  uint64_t ingress_rate_bytes_per_sec = 0;
  uint64_t window_rate_bytes_per_sec = 0;
  uint64_t loss_ppm = 0;
  uint64_t mark_ppm = 0;
  uint64_t flow_weight = 0;

  // Are windows lowered in packets of clients?
  [[nodiscard]] bool lowers_windows() const;
  // Does it inject loss or marks?
  [[nodiscard]] bool impairs() const { return loss_ppm > 0 || mark_ppm > 0; }
  friend bool operator==(const Policy&, const Policy&) = default;
};

// A limit that is set; 0 lifts it.
struct PolicySetting {
  uint64_t Policy::*limit;
  uint64_t value;
};

// {{&Policy::window_bytes, 65536}}: what is to be set. The rest stays.
using PolicyPatch = std::vector<PolicySetting>;

struct PolicyLimit {
  std::string_view name;   // "flow-rate": the option without its dashes, the key in a file
  std::string_view words;  // "flow rate": in a sentence, and the head of a column
  std::string_view field;  // "flow_rate_bytes_per_sec": in JSON
  std::string_view kind;   // "RATE": what the value is, in a help page
  std::string_view help;
  std::string_view schema;  // what the file's schema says of the value, in JSON
  bool always_shown;        // in tables also if no service has it, as a hint
  uint64_t Policy::*value;
  Result<uint64_t> (*parse)(std::string_view text);
  std::string (*text)(uint64_t value);  // parse(text(x)) == x
  // Why the limit cannot be, alone or beside the others; empty if all is well. Null: it always can.
  std::string (*unmet)(const Policy& policy) = nullptr;
};

// All of them, in the order in which everything lists them.
[[nodiscard]] std::span<const PolicyLimit> policy_limits();

// The value of "50mbit" in this limit; "none" is 0.
Result<uint64_t> parse_limit(const PolicyLimit& limit, std::string_view text);
// "50mbit", or "none".
[[nodiscard]] std::string limit_text(const PolicyLimit& limit, const Policy& policy);
// "flow rate 50mbit, window 256kib": those that are set.
[[nodiscard]] std::string policy_text(const Policy& policy);

// The weight of each flow of a prefix of clients. The longest prefix that contains the client
// decides; without one, the policy's flow weight.
struct ClientWeight {
  uint32_t service = 0;
  Prefix prefix;
  uint32_t weight = 1;

  friend bool operator==(const ClientWeight&, const ClientWeight&) = default;
};

[[nodiscard]] Policy policy_with(const PolicyPatch& patch, Policy policy);
// Refuses a window below one segment, and two limits that exclude each other.
Result<void> check_policy(const Policy& policy);

// New connections a second, "2000" or "2000/s": a whole number, 1 to SLUICE_CONNECTION_RATE_MAX.
Result<uint32_t> parse_connection_rate(std::string_view text);
// "1%", "0.5%": parts in a million. Above zero, at most `max_ppm`.
Result<uint32_t> parse_probability(std::string_view text, uint32_t max_ppm);
[[nodiscard]] std::string probability_text(uint64_t ppm);
// The weight of a flow among flows that share a rate: 1 to SLUICE_FLOW_WEIGHT_MAX.
Result<uint32_t> parse_flow_weight(std::string_view text);

}  // namespace sluice
