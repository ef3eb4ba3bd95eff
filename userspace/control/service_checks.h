// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a service must be, of itself and beside others. Checked before anything is changed; every
// refusal says why.
#pragma once

#include <string>

#include "model/policy.h"
#include "model/service.h"
#include "support/result.h"

namespace sluice {

// An address that packets have, options that go together.
Result<void> check_service(const Service& service);
// One endpoint, one service: no other may claim the same packets with the same right.
Result<void> check_apart(const Service& service, const Service& other);
// What comes from a backend in mode nat is a reply.
Result<void> check_apart(const Service& service, const Backend& backend, const Service& of);

Result<void> check_policy_of(const Service& service, const Policy& policy);
// A prefix whose clients can reach the service.
Result<void> check_filter(const Service& service, const Prefix& prefix);
Result<void> check_client_weight(const Service& service, const Prefix& prefix);

// "filter 198.51.100.0/24 of web", as every sentence about it starts.
[[nodiscard]] std::string filter_text(const Service& service, const Prefix& prefix);
// "weight of 198.51.100.0/24 at web"
[[nodiscard]] std::string client_weight_text(const Service& service, const Prefix& prefix);

}  // namespace sluice
