// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Texts that describe a service, for sentences and errors.
#pragma once

#include <string>

#include "model/service_options.h"

namespace sluice {

// "203.0.113.10:443/tcp, mode snat, affinity client": a service's endpoint and options.
[[nodiscard]] std::string service_text(const Service& service);

}  // namespace sluice
