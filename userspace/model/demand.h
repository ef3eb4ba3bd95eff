// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Preconditions that hold in release builds too: what they guard would otherwise be memory that is
// not ours, or a ring that breaks connections. A broken one is a bug of the caller, never the
// operator's doing, so it ends the program with a sentence. Private to model.
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
