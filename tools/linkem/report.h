// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The figures of an emulated link, as JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "linkem/emulator.h"
#include "support/result.h"

namespace sluice::linkem {

// One direction. `device_drops`: packets that its device lost before the emulator read them. If it
// is not 0, the machine was too slow and the figures are invalid.
[[nodiscard]] nlohmann::ordered_json direction_report(const Direction& direction,
                                                      const Result<uint64_t>& device_drops);

[[nodiscard]] nlohmann::ordered_json shape_report(const LinkShape& shape, uint64_t seed);

// Atomic: a reader never sees a partial report.
[[nodiscard]] Result<void> write_report(const std::string& path,
                                        const nlohmann::ordered_json& report);

}  // namespace sluice::linkem
