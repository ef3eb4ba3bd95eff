// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/policy.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "model/decimal.h"
#include "model/quantity.h"
#include "sluice/limits.h"

namespace sluice {

namespace {

constexpr std::string_view lifted = "none";

// A window below one segment would hold a sender to the persist timer's pace (RFC 9293, 3.8.6.1).
// 1460: a segment of an Ethernet's MTU.
constexpr uint64_t window_bytes_min = 1460;

constexpr uint32_t ppm_of_one = 1'000'000;
constexpr size_t percent_decimals = 4;  // of a percent, a millionth is the last

Result<uint64_t> widened(const Result<uint32_t>& value) {
  if (!value) return tl::unexpected(value.error());
  return uint64_t{*value};
}

Result<uint64_t> parse_window(std::string_view text) {
  return widened(parse_size(text));
}
Result<uint64_t> parse_connections(std::string_view text) {
  return widened(parse_connection_rate(text));
}
Result<uint64_t> parse_loss(std::string_view text) {
  return widened(parse_probability(text, SLUICE_LOSS_PPM_MAX));
}
Result<uint64_t> parse_mark(std::string_view text) {
  return widened(parse_probability(text, ppm_of_one));
}
Result<uint64_t> parse_weight_of_flows(std::string_view text) {
  return widened(parse_flow_weight(text));
}
std::string connections_text(uint64_t per_sec) {
  return fmt::format("{}/s", per_sec);
}
std::string number_text(uint64_t number) {
  return fmt::format("{}", number);
}

constexpr auto kLimits = std::to_array<PolicyLimit>({
    {"flow-rate", "flow rate", "flow_rate_bytes_per_sec", "RATE",
     "of each flow, on the wire, as tc writes it; none lifts it", true,
     &Policy::flow_rate_bytes_per_sec, &PolicyPatch::flow_rate_bytes_per_sec, parse_rate,
     rate_text},
    {"rate", "rate", "rate_bytes_per_sec", "RATE",
     "of all flows together, shared by weight; none lifts it", true, &Policy::rate_bytes_per_sec,
     &PolicyPatch::rate_bytes_per_sec, parse_rate, rate_text},
    {"window", "window", "window_bytes", "SIZE",
     "what a sender may have unacknowledged (S0); none lifts it", true, &Policy::window_bytes,
     &PolicyPatch::window_bytes, parse_window, size_text},
    {"window-rate", "window rate", "window_rate_bytes_per_sec", "RATE",
     "S0 as a rate: the window follows each flow's RTT; none lifts it", false,
     &Policy::window_rate_bytes_per_sec, &PolicyPatch::window_rate_bytes_per_sec, parse_rate,
     rate_text},
    {"connection-rate", "connection rate", "connections_per_sec", "N",
     "new connections a second, of the whole service; none lifts it", true,
     &Policy::connections_per_sec, &PolicyPatch::connections_per_sec, parse_connections,
     connections_text},
    {"ingress-rate", "ingress rate", "ingress_rate_bytes_per_sec", "RATE",
     "of what all clients send; the rest is dropped; none lifts it", false,
     &Policy::ingress_rate_bytes_per_sec, &PolicyPatch::ingress_rate_bytes_per_sec, parse_rate,
     rate_text},
    {"weight", "weight", "weight", "N",
     "of its flows, 1 to 100, where the client has none of its own; none is 1", false,
     &Policy::weight, &PolicyPatch::weight, parse_weight_of_flows, number_text},
    {"loss", "loss", "loss_ppm", "PERCENT",
     "to test with: so many packets to clients are dropped; none ends it", false, &Policy::loss_ppm,
     &PolicyPatch::loss_ppm, parse_loss, probability_text},
    {"mark", "mark", "mark_ppm", "PERCENT", "to test with: so many are ECN-marked; none ends it",
     false, &Policy::mark_ppm, &PolicyPatch::mark_ppm, parse_mark, probability_text},
});

}  // namespace

bool Policy::lowers_windows() const {
  return window_bytes > 0 || window_rate_bytes_per_sec > 0;
}

std::span<const PolicyLimit> policy_limits() {
  return kLimits;
}

Result<uint64_t> parse_limit(const PolicyLimit& limit, std::string_view text) {
  if (text == lifted) return uint64_t{0};
  return limit.parse(text);
}

std::string limit_text(const PolicyLimit& limit, const Policy& policy) {
  const uint64_t value = policy.*limit.value;
  return value == 0 ? std::string(lifted) : limit.text(value);
}

std::string policy_text(const Policy& policy) {
  std::string text;
  for (const PolicyLimit& limit : kLimits) {
    if (policy.*limit.value == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", limit.words,
                        limit.text(policy.*limit.value));
  }
  return text;
}

bool is_empty(const PolicyPatch& patch) {
  return patch == PolicyPatch{};
}

Policy policy_with(const PolicyPatch& patch, Policy policy) {
  for (const PolicyLimit& limit : kLimits) {
    if (const auto& wanted = patch.*limit.patch) policy.*limit.value = *wanted;
  }
  return policy;
}

Result<void> check_policy(const Policy& policy) {
  if (policy.window_bytes > 0 && policy.window_bytes < window_bytes_min) {
    return misused("window {}: is less than one segment of {} bytes",
                   size_text(policy.window_bytes), window_bytes_min);
  }
  if (policy.window_bytes > 0 && policy.window_rate_bytes_per_sec > 0) {
    return misused("window {} and window rate {}: a flow has one window; lift one with none",
                   size_text(policy.window_bytes), rate_text(policy.window_rate_bytes_per_sec));
  }
  return {};
}

Result<uint32_t> parse_connection_rate(std::string_view text) {
  constexpr std::string_view a_second = "/s";
  std::string_view digits = text;
  if (digits.ends_with(a_second)) digits.remove_suffix(a_second.size());
  auto rate = parse_decimal(digits, SLUICE_CONNECTION_RATE_MAX);
  if (!rate || *rate == 0) {
    return misused("connection rate {:?}: not a whole number from 1 to {}", text,
                   SLUICE_CONNECTION_RATE_MAX);
  }
  return static_cast<uint32_t>(*rate);
}

Result<uint32_t> parse_probability(std::string_view text, uint32_t max_ppm) {
  const auto refused = [&] {
    return misused("probability {:?}: not a share of packets above 0% and up to {}, as in 0.5%",
                   text, probability_text(max_ppm));
  };
  if (!text.ends_with('%')) return refused();
  std::string_view whole = text.substr(0, text.size() - 1);
  std::string decimals;
  if (const size_t point = whole.find('.'); point != std::string_view::npos) {
    decimals = whole.substr(point + 1);
    whole = whole.substr(0, point);
    if (decimals.empty() || decimals.size() > percent_decimals) return refused();
  }
  decimals.resize(percent_decimals, '0');
  const auto percent = parse_decimal(whole, 100);
  const auto rest = parse_decimal(decimals, ppm_of_one);
  if (!percent || !rest) return refused();
  const uint64_t ppm = *percent * (ppm_of_one / 100) + *rest;
  if (ppm == 0 || ppm > max_ppm) return refused();
  return static_cast<uint32_t>(ppm);
}

std::string probability_text(uint64_t ppm) {
  std::string text = fmt::format("{}.{:04}", ppm / 10'000, ppm % 10'000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + '%';
}

Result<uint32_t> parse_flow_weight(std::string_view text) {
  auto weight = parse_decimal(text, SLUICE_FLOW_WEIGHT_MAX);
  if (!weight || *weight == 0) {
    return misused("weight {:?}: not a whole number from 1 to {}", text, SLUICE_FLOW_WEIGHT_MAX);
  }
  return static_cast<uint32_t>(*weight);
}

}  // namespace sluice
