// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/flow_state.h"

#include <array>
#include <utility>

#include "sluice/flow.h"

// A header of the BPF programs, which are compiled without this warning.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include "pure/roundtrip.h"
#pragma GCC diagnostic pop

namespace sluice {

std::string_view congestion_state_text(uint32_t state) {
  switch (state) {
#define SLUICE_STATE_TEXT(NUMBER, NAME, name, sentence) \
  case SLUICE_CONGESTION_##NAME:                        \
    return #name;
    SLUICE_CONGESTION_STATES(SLUICE_STATE_TEXT)
#undef SLUICE_STATE_TEXT
    default:
      return "unknown";
  }
}

std::string_view congestion_bound_text(uint32_t bound) {
  switch (bound) {
#define SLUICE_BOUND_TEXT(NAME, name, sentence) \
  case SLUICE_BOUND_##NAME:                     \
    return #name;
    SLUICE_CONGESTION_BOUNDS(SLUICE_BOUND_TEXT)
#undef SLUICE_BOUND_TEXT
    default:
      return "unknown";
  }
}

std::string_view translation_state_text(uint8_t state) {
  switch (state) {
    case SLUICE_TRANSLATION_OPENING:
      return "opening";
    case SLUICE_TRANSLATION_OPEN:
      return "open";
    case SLUICE_TRANSLATION_FINISHED:
      return "finished";
    case SLUICE_TRANSLATION_RESET:
      return "reset";
    default:
      return "unknown";
  }
}

std::string_view paced_state_text(const sluice_paced_flow& paced) {
  constexpr int fins = SLUICE_PACED_CLIENT_FIN | SLUICE_PACED_SERVER_FIN;
  if ((paced.flags & SLUICE_PACED_CLIENT_SYN) == 0) return "unseen";
  if ((paced.flags & fins) != 0) return "closing";
  return (paced.flags & SLUICE_PACED_OPEN) != 0 ? "open" : "opening";
}

std::vector<std::string_view> paced_flag_names(uint16_t flags) {
  static constexpr std::array<std::pair<sluice_paced_flag, std::string_view>, 9> all{{
      {SLUICE_PACED_CLIENT_SYN, "client_syn"},
      {SLUICE_PACED_SERVER_SYN, "server_syn"},
      {SLUICE_PACED_SCALED, "scaled"},
      {SLUICE_PACED_SIGNED, "signed"},
      {SLUICE_PACED_OFFERED, "offered"},
      {SLUICE_PACED_OPEN, "open"},
      {SLUICE_PACED_CLIENT_FIN, "client_fin"},
      {SLUICE_PACED_SERVER_FIN, "server_fin"},
      {SLUICE_PACED_CLIENT_RST, "client_rst"},
  }};
  std::vector<std::string_view> names;
  for (const auto& [flag, name] : all) {
    if ((flags & flag) != 0) names.push_back(name);
  }
  return names;
}

double marked_share_percent(const sluice_congestion_flow& flow) {
  return flow.marked_share * 100.0 / 256;
}

uint32_t least_round_trip_us(const sluice_paced_flow& paced) {
  return roundtrip_least_us(&paced.round_trip);
}

}  // namespace sluice
