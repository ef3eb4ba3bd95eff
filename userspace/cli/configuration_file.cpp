// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/configuration_file.h"

#include "file/read.h"

namespace sluice {

using Json = nlohmann::ordered_json;

Result<Desired> read_configuration_file(const std::string& path, Context& context) {
  auto reading = TRY(load_configuration(path));
  if (reading.errors.empty()) return std::move(reading.desired);

  Json mistakes = Json::array();
  for (const FileError& error : reading.errors) {
    mistakes.push_back(
        {{"line", error.mark.line}, {"column", error.mark.column}, {"sentence", error.text}});
    say(context, file_error_text(path, error));
  }
  if (context.json) print_json(context, {{"file", path}, {"valid", false}, {"errors", mistakes}});
  const size_t count = reading.errors.size();
  return misused("{}: {} mistake{}; nothing was changed", path, count, count == 1 ? "" : "s");
}

}  // namespace sluice
