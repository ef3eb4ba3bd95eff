// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/support/file_property.h"

#include <fmt/format.h>

#include "control/desired_checks.h"
#include "file/read.h"
#include "file/write.h"

namespace sluice::test {
namespace {

std::string complaint_of(const std::vector<FileError>& errors) {
  for (const FileError& error : errors) {
    if (error.mark.line == 0 || error.mark.column == 0)
      return "an error without a position: " + error.text;
    if (error.text.empty()) return "an error without a reason";
  }
  return {};
}

}  // namespace

std::string file_complaint(std::string_view text) {
  const FileReading reading = read_configuration(text);
  if (!reading.errors.empty()) return complaint_of(reading.errors);
  if (const auto errors = check_desired(reading.desired); !errors.empty())
    return complaint_of(errors);
  const std::string written = write_configuration(reading.desired);
  const FileReading again = read_configuration(written);
  if (!again.errors.empty())
    return fmt::format("what was written is refused: {}\n{}",
                       file_error_text("written", again.errors.front()), written);
  if (write_configuration(again.desired) != written)
    return "what was written is read as something else:\n" + written;
  if (again.desired.services != reading.desired.services)
    return "the services differ after writing:\n" + written;
  return {};
}

}  // namespace sluice::test
