// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What holds of whatever bytes are given as a configuration file. For the unit tests, which try
// some thousands of broken ones, and for the fuzzer (tests/fuzz).
#pragma once

#include <string>
#include <string_view>

namespace sluice::test {

// Empty, or what is wrong: it is refused without a place or a reason, or it is good and what
// write_configuration() makes of it is not the same.
[[nodiscard]] std::string file_complaint(std::string_view text);

}  // namespace sluice::test
