// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Preconditions, checked in release builds too: without them, memory would be overwritten or a ring
// would break connections. A violation is a bug of the caller, not an operator's error, so it ends
// the program with a sentence. Private to model.
#pragma once

#include <cstdlib>

#include <fmt/format.h>

namespace sluice {

inline void demand(bool holds, const char* what) {
  if (holds) return;
  fmt::print(stderr, "sluice: bug in the caller of model: {}\n", what);
  std::abort();
}

}  // namespace sluice
