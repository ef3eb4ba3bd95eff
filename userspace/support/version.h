// The version that `sluice --version` says; the same as project(VERSION) in CMakeLists.txt.
#pragma once

#include <string_view>

namespace sluice {

inline constexpr std::string_view version_text = "0.1.0";

}  // namespace sluice
