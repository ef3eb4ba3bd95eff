// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a service must be, by itself and beside others. Checked before anything is changed; every
// error gives the reason.
#pragma once

#include <string>

#include "model/policy.h"
#include "model/service.h"
#include "support/result.h"

namespace sluice {

// Refuses an address that is no packet's destination.
Result<void> check_endpoint(const Service& service);
// The same, and refuses options that exclude each other.
Result<void> check_service(const Service& service);
// Refuses two services that claim the same packets.
Result<void> check_apart(const Service& service, const Service& other);
// Refuses a service at the endpoint of a backend in mode nat: packets from there are replies.
Result<void> check_apart(const Service& service, const Backend& backend, const Service& of);

Result<void> check_policy_of(const Service& service, const Policy& policy);
// Refuses a prefix of the other family, whose clients cannot reach the service.
Result<void> check_filter(const Service& service, const Prefix& prefix);
Result<void> check_client_weight(const Service& service, const Prefix& prefix);

// "filter 198.51.100.0/24 of web", the start of every sentence about it.
[[nodiscard]] std::string filter_text(const Service& service, const Prefix& prefix);
// "weight of 198.51.100.0/24 at web"
[[nodiscard]] std::string client_weight_text(const Service& service, const Prefix& prefix);

}  // namespace sluice
