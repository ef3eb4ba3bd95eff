// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Builds the query of a DNS check, and judges responses (RFC 1035). Pure: it uses the message
// functions of glibc's resolver library, and never sends anything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/health.h"
#include "support/result.h"

namespace sluice {

// The query for the check's name and type. `id` must be hard to guess.
Result<std::string> dns_question(const HealthCheck& check, uint16_t id);

struct DnsVerdict {
  bool stray = false;  // not a response to this query: ignore it and wait on
  std::string why{};   // why the check fails; empty: it passes
};
[[nodiscard]] DnsVerdict dns_judge(const HealthCheck& check, uint16_t id, std::string_view message);

}  // namespace sluice
