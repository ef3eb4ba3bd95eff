// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "support/result.h"

namespace sluice {

template <typename T>
void expect_misused(const Result<T>& result, const std::string& text) {
  ASSERT_FALSE(result.has_value()) << text;
  EXPECT_EQ(result.error().kind, ErrorKind::misused);
  EXPECT_EQ(result.error().text, text);
}

}  // namespace sluice
