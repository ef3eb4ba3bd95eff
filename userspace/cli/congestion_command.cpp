// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/congestion_command.h"

#include <algorithm>

namespace sluice {

Result<std::string> congestion_name(const CongestionOptions& options, const Context& context) {
  std::string name = options.name.empty() ? context.instance : options.name;
  if (options.name.empty()) std::replace(name.begin(), name.end(), '-', '_');
  return parse_congestion_name(name);
}

Result<std::optional<CongestionControl>> find_congestion(const CongestionOptions& options,
                                                         const std::string& instance_dir) {
  const auto controls = TRY(congestion_list(instance_dir));
  const auto found =
      std::find_if(controls.begin(), controls.end(), [&](const CongestionControl& control) {
        return options.name.empty() ? control.pinned : control.name == options.name;
      });
  if (found == controls.end()) return std::optional<CongestionControl>{};
  return *found;
}

void StepSentences::add(bool changed, const std::string& sentence) {
  needed_ = needed_ || changed;
  text_ += (text_.empty() ? "" : "; ") + sentence;
}

}  // namespace sluice
