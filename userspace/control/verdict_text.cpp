// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The words of include/sluice/verdict.h, expanded from its one list.
#include <array>

#include "control/views.h"

namespace sluice {

namespace {

constexpr std::array<VerdictText, SLUICE_VERDICT_COUNT> verdict_texts{{
#define SLUICE_VERDICT_TEXT(NUMBER, NAME, name, action, sentence) \
  VerdictText{#name, SLUICE_ACTION_##action, sentence},
    SLUICE_VERDICTS(SLUICE_VERDICT_TEXT)
#undef SLUICE_VERDICT_TEXT
}};

}  // namespace

VerdictText verdict_text(sluice_verdict verdict) {
  const auto index = static_cast<size_t>(verdict);
  if (index >= verdict_texts.size()) {
    return {"unknown", SLUICE_ACTION_PASS, "a verdict that this version does not know"};
  }
  return verdict_texts[index];
}

std::string_view action_text(sluice_action action) {
  switch (action) {
    case SLUICE_ACTION_PASS:
      return "pass";
    case SLUICE_ACTION_FORWARD:
      return "forward";
    case SLUICE_ACTION_PUNT:
      return "punt";
    case SLUICE_ACTION_DROP:
      return "drop";
  }
  return "unknown";
}

}  // namespace sluice
