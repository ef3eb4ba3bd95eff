// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The congestion control of a route in the main table ("congctl" of ip-route(8)), in the network
// namespace of the calling thread.
#pragma once

#include <string>

#include "model/address.h"
#include "support/result.h"

namespace sluice {

// Empty: the route names none. A missing route is an error.
Result<std::string> route_congestion(const Prefix& prefix);

// Keeps the route's other attributes. An empty name removes the attribute.
Result<void> set_route_congestion(const Prefix& prefix, const std::string& name);

}  // namespace sluice
