// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A property of the configuration file that holds for any bytes. Used by the unit tests, with
// thousands of damaged files, and by the fuzzer (tests/fuzz).
#pragma once

#include <string>
#include <string_view>

namespace sluice::test {

// Empty, or what is wrong: the text is refused without a position or a reason, or it is good and
// write_configuration() does not reproduce it.
[[nodiscard]] std::string file_complaint(std::string_view text);

}  // namespace sluice::test
