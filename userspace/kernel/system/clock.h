// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The clocks behind the times in the maps.
#pragma once

#include <cstdint>
#include <ctime>

#include "sluice/time.h"

namespace sluice {

// CLOCK_MONOTONIC, as bpf_ktime_get_ns().
[[nodiscard]] inline uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * SLUICE_NS_PER_SEC + static_cast<uint64_t>(now.tv_nsec);
}

// CLOCK_MONOTONIC_COARSE, as bpf_ktime_get_coarse_ns(), in whole seconds.
[[nodiscard]] inline uint32_t monotonic_coarse_s() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<uint32_t>(now.tv_sec);
}

}  // namespace sluice
