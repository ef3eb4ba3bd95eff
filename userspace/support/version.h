// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The version that `sluice --version` says; the same as project(VERSION) in CMakeLists.txt.
#pragma once

#include <string_view>

namespace sluice {

inline constexpr std::string_view version_text = "0.1.0";

}  // namespace sluice
