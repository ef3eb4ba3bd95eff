// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an emulated link has seen, as JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "linkem/emulator.h"
#include "support/result.h"

namespace sluice::linkem {

// One direction; `device_drops` is what its device lost before the emulator could read it: unless
// it is 0, the machine was too slow for the link and the figures are not the link's.
[[nodiscard]] nlohmann::ordered_json direction_report(const Direction& direction,
                                                      const Result<uint64_t>& device_drops);

[[nodiscard]] nlohmann::ordered_json shape_report(const LinkShape& shape, uint64_t seed);

// Whole or not at all: a reader never sees half a report.
[[nodiscard]] Result<void> write_report(const std::string& path,
                                        const nlohmann::ordered_json& report);

}  // namespace sluice::linkem
