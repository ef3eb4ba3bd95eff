// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The configuration file, from text to what should be. What the kernel has to say of it comes when
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
  std::vector<FileError> errors;  // in the order of the file; empty: it may be applied
};

// Each value for itself.
[[nodiscard]] FileReading read_configuration(std::string_view text);

// Of the file at this path, with what control/desired_checks.h says of it where it could be read.
// It is at most 64 MiB. An error: it could not be opened or read, or is too long.
[[nodiscard]] Result<FileReading> load_configuration(const std::string& path);

// "FILE:LINE:COLUMN: sentence", as compilers and editors have it.
[[nodiscard]] std::string file_error_text(std::string_view file, const FileError& error);

}  // namespace sluice
