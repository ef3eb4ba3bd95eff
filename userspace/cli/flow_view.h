// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A flow as the operator asks for it: what the maps remember, with the names of its service and
// its backend put to the numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/views.h"
#include "kernel/instance/instance.h"
#include "model/address.h"

namespace sluice {

struct FlowView {
  HostPort client;
  Endpoint endpoint;    // where the client's packets go
  std::string service;  // empty: of no service, or of one that is gone
  std::string backend;  // empty: nobody remembers it (the ring alone knows), or it is gone
  FlowRecord record;
};

// By service, then by client.
[[nodiscard]] std::vector<FlowView> flow_views(const std::vector<FlowRecord>& records,
                                               const std::vector<ServiceView>& services);

// Who remembers it: "tracked" or "half_open", "translated", "paced", "congestion".
[[nodiscard]] std::vector<std::string_view> known_to(const FlowRecord& record);

[[nodiscard]] std::string_view congestion_state_text(uint32_t state);
[[nodiscard]] std::string_view congestion_bound_text(uint32_t bound);
// Of all packets, averaged, where the peer tells of each mark.
[[nodiscard]] double marked_share_percent(const sluice_congestion_flow& flow);
// "client_syn", "scaled" ...: enum sluice_paced_flag.
[[nodiscard]] std::vector<std::string_view> paced_flag_names(uint16_t flags);
// "opening", "open", "closing" or "unseen": whose start nobody saw, and which is left alone.
[[nodiscard]] std::string_view paced_state_text(const sluice_paced_flow& paced);
// As the ceiling takes it (bpf/pure/roundtrip.h); 0: not known.
[[nodiscard]] uint32_t least_round_trip_us(const sluice_paced_flow& paced);
[[nodiscard]] std::string_view translation_state_text(uint8_t state);

}  // namespace sluice
