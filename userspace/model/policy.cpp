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

// A window below one segment limits a sender to the persist timer's pace (RFC 9293, 3.8.6.1).
// Bytes: one segment of an Ethernet's MTU.
constexpr uint64_t window_bytes_min = 1460;

constexpr uint32_t ppm_of_one = 1'000'000;
constexpr size_t percent_decimals = 4;  // 0.0001 % is one in a million

template <auto Parse>
Result<uint64_t> widened(std::string_view text) {
  return uint64_t{TRY(Parse(text))};
}

Result<uint32_t> parse_loss(std::string_view text) {
  return parse_probability(text, SLUICE_LOSS_PPM_MAX);
}
Result<uint32_t> parse_mark(std::string_view text) {
  return parse_probability(text, ppm_of_one);
}
std::string connections_text(uint64_t per_sec) {
  return fmt::format("{}/s", per_sec);
}

std::string unmet_by_window(const Policy& policy) {
  if (policy.window_bytes < window_bytes_min)
    return fmt::format("is less than one segment of {} bytes", window_bytes_min);
  if (policy.window_rate_bytes_per_sec > 0) {
    return fmt::format("a flow has one window, and window rate is {}; lift one with none",
                       rate_text(policy.window_rate_bytes_per_sec));
  }
  return {};
}

constexpr std::string_view rate_schema =
    R"({"type": ["string", "number"], "pattern": "^(?:none|[0-9]+(?:\\.[0-9]+)?(?:[kmgtKMGT]?[iI]?(?:[bB][iI][tT]|[bB][pP][sS]))?)$"})";
constexpr std::string_view size_schema =
    R"({"type": ["string", "number"], "pattern": "^(?:none|[0-9]+(?:\\.[0-9]+)?(?:[kmgKMG]?[iI]?[bB]?)?)$"})";
constexpr std::string_view percent_schema =
    R"({"type": "string", "pattern": "^(?:none|[0-9]+(?:\\.[0-9]{1,4})?%)$"})";
constexpr std::string_view connections_schema =
    R"({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 10000000}, {"type": "string", "pattern": "^(?:none|[0-9]+(?:/s)?)$"}]})";
constexpr std::string_view flow_weight_schema =
    R"({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 100}, {"type": "string", "pattern": "^(?:none|[0-9]+)$"}]})";

constexpr auto kLimits = std::to_array<PolicyLimit>({
    {.name = "flow-rate",
     .words = "flow rate",
     .field = "flow_rate_bytes_per_sec",
     .kind = "RATE",
     .help = "of each flow, on the wire, as tc writes it; none lifts it",
     .schema = rate_schema,
     .always_shown = true,
     .value = &Policy::flow_rate_bytes_per_sec,
     .parse = parse_rate,
     .text = rate_text},
    {.name = "rate",
     .words = "rate",
     .field = "rate_bytes_per_sec",
     .kind = "RATE",
     .help = "of all flows together, shared by flow weight; none lifts it",
     .schema = rate_schema,
     .always_shown = true,
     .value = &Policy::rate_bytes_per_sec,
     .parse = parse_rate,
     .text = rate_text},
    {.name = "window",
     .words = "window",
     .field = "window_bytes",
     .kind = "SIZE",
     .help =
         "the policy limit of S = min(policy limit, RWND): unacknowledged bytes of each sender; "
         "none lifts it",
     .schema = size_schema,
     .always_shown = true,
     .value = &Policy::window_bytes,
     .parse = widened<parse_size>,
     .text = size_text,
     .unmet = unmet_by_window},
    {.name = "window-rate",
     .words = "window rate",
     .field = "window_rate_bytes_per_sec",
     .kind = "RATE",
     .help = "the window as a rate: it follows each flow's RTT; excludes window; none lifts it",
     .schema = rate_schema,
     .always_shown = false,
     .value = &Policy::window_rate_bytes_per_sec,
     .parse = parse_rate,
     .text = rate_text},
    {.name = "connection-rate",
     .words = "connection rate",
     .field = "connections_per_sec",
     .kind = "N",
     .help = "new connections a second, of the whole service; none lifts it",
     .schema = connections_schema,
     .always_shown = true,
     .value = &Policy::connections_per_sec,
     .parse = widened<parse_connection_rate>,
     .text = connections_text},
    {.name = "ingress-rate",
     .words = "ingress rate",
     .field = "ingress_rate_bytes_per_sec",
     .kind = "RATE",
     .help = "of packets from all clients; packets beyond it are dropped; none lifts it",
     .schema = rate_schema,
     .always_shown = false,
     .value = &Policy::ingress_rate_bytes_per_sec,
     .parse = parse_rate,
     .text = rate_text},
    {.name = "flow-weight",
     .words = "flow weight",
     .field = "flow_weight",
     .kind = "N",
     .help = "of each flow, 1 to 100, unless its client has a client weight; none is 1",
     .schema = flow_weight_schema,
     .always_shown = false,
     .value = &Policy::flow_weight,
     .parse = widened<parse_flow_weight>,
     .text = number_text},
    {.name = "loss",
     .words = "loss",
     .field = "loss_ppm",
     .kind = "PERCENT",
     .help = "injected loss, for tests: the share of packets to clients that is dropped; none ends "
             "it",
     .schema = percent_schema,
     .always_shown = false,
     .value = &Policy::loss_ppm,
     .parse = widened<parse_loss>,
     .text = probability_text},
    {.name = "mark",
     .words = "mark",
     .field = "mark_ppm",
     .kind = "PERCENT",
     .help =
         "injected marks, for tests: the share of ECN-capable packets to clients that is marked; "
         "none ends it",
     .schema = percent_schema,
     .always_shown = false,
     .value = &Policy::mark_ppm,
     .parse = widened<parse_mark>,
     .text = probability_text},
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

Policy policy_with(const PolicyPatch& patch, Policy policy) {
  for (const PolicySetting& setting : patch) policy.*setting.limit = setting.value;
  return policy;
}

Result<void> check_policy(const Policy& policy) {
  for (const PolicyLimit& limit : kLimits) {
    if (limit.unmet == nullptr || policy.*limit.value == 0) continue;
    const std::string why = limit.unmet(policy);
    if (!why.empty())
      return misused("{} {}: {}", limit.words, limit.text(policy.*limit.value), why);
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
    return misused("flow weight {:?}: not a whole number from 1 to {}", text,
                   SLUICE_FLOW_WEIGHT_MAX);
  }
  return static_cast<uint32_t>(*weight);
}

}  // namespace sluice
