// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The congestion control that a route of the main table says its connections use ("congctl" of
// ip-route(8)), in the network namespace that the thread is in.
#pragma once

#include <string>

#include "model/address.h"
#include "support/result.h"

namespace sluice {

// What it names now; empty: nothing. No such route: an error.
Result<std::string> route_congestion(const Prefix& prefix);

// Everything else of the route stays as it is. Empty: it names none any more.
Result<void> set_route_congestion(const Prefix& prefix, const std::string& name);

}  // namespace sluice
