// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The names of what the flow maps keep as numbers and bits.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sluice/congestion.h"
#include "sluice/pace.h"

namespace sluice {

[[nodiscard]] std::string_view congestion_state_text(uint32_t state);
[[nodiscard]] std::string_view congestion_bound_text(uint32_t bound);
[[nodiscard]] std::string_view translation_state_text(uint8_t state);
// "opening", "open" or "closing"; "unseen": the handshake was not seen, so pace leaves the flow
// alone.
[[nodiscard]] std::string_view paced_state_text(const sluice_paced_flow& paced);
// "client_syn", "scaled" ...: enum sluice_paced_flag.
[[nodiscard]] std::vector<std::string_view> paced_flag_names(uint16_t flags);

// Marked packets of all packets, averaged. Only known if the peer reports each mark (accurate ECN).
[[nodiscard]] double marked_share_percent(const sluice_congestion_flow& flow);
// The smallest round trip, as the window ceiling uses it (bpf/pure/roundtrip.h); 0: not known.
[[nodiscard]] uint32_t least_round_trip_us(const sluice_paced_flow& paced);

}  // namespace sluice
