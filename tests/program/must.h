// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Turns errors of the stage's own set-up into exceptions, which end the test.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

#include "kernel/system/system_error.h"
#include "support/result.h"

namespace sluice::stage {

[[noreturn]] inline void fail(const std::string& what) {
  throw std::runtime_error("stage: " + what);
}

inline void must(const Result<void>& done) {
  if (!done) fail(done.error().text);
}

template <typename T>
T must_have(Result<T> result) {
  if (!result) fail(result.error().text);
  return std::move(*result);
}

inline void must_call(int status, const char* what) {
  if (status != 0) fail(fmt::format("{}: {}", what, error_text(errno)));
}

}  // namespace sluice::stage
