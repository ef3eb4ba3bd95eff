// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The version of sluice. Its source is project(VERSION) in CMakeLists.txt.
#pragma once

#include <string_view>

namespace sluice {

extern const std::string_view version_text;  // "0.1.0"

}  // namespace sluice
