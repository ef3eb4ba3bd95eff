// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The configuration file, from text to the desired state. Checks that need the kernel are made when
// it is applied.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "file/fields.h"
#include "model/desired.h"
#include "support/result.h"

namespace sluice {

struct FileReading {
  Desired desired;
  std::vector<FileError> errors;  // in the order of the file; empty: the file may be applied
};

// Checks each value by itself.
[[nodiscard]] FileReading read_configuration(std::string_view text);

// Reads the file at this path, at most 64 MiB, and checks it as a whole (control/desired_checks.h).
// An error: it could not be opened or read, or is too long.
[[nodiscard]] Result<FileReading> load_configuration(const std::string& path);

// "FILE:LINE:COLUMN: sentence", the form of compilers.
[[nodiscard]] std::string file_error_text(std::string_view file, const FileError& error);

}  // namespace sluice
