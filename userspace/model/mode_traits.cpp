// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/mode_traits.h"

namespace sluice {

Result<Mode> parse_mode(std::string_view text) {
  std::string names;
  for (const Mode mode : all_modes) {
    if (text == mode_text(mode)) return mode;
    if (!names.empty()) names += mode == all_modes.back() ? " or " : ", ";
    names += mode_text(mode);
  }
  return misused("mode {:?}: not a forwarding mode; write {}", text, names);
}

}  // namespace sluice
