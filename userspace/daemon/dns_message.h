// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a DNS check asks, and whether what comes back is an answer to it. Pure, on glibc's resolver
// library (RFC 1035): the messages only, no resolver is ever asked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/health.h"
#include "support/result.h"

namespace sluice {

// The message that asks for the check's name and type; `id` is to be hard to guess.
Result<std::string> dns_question(const HealthCheck& check, uint16_t id);

// Why this is no good answer; empty: it is one. Another id is a stray datagram: nullptr-like
// `stray` says to go on waiting.
struct DnsVerdict {
  bool stray = false;
  std::string why{};
};
[[nodiscard]] DnsVerdict dns_judge(const HealthCheck& check, uint16_t id, std::string_view message);

}  // namespace sluice
