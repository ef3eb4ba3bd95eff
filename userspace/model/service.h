// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Services and backends as the operator means them. Pure data and its spelling; the
// maps they are kept in are userspace/kernel's business.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/address.h"
#include "sluice/limits.h"
#include "sluice/service.h"
#include "support/result.h"

namespace sluice {

enum class Mode : uint8_t {
  ipip = SLUICE_MODE_IPIP,
  snat = SLUICE_MODE_SNAT,
  gue = SLUICE_MODE_GUE,
  l2 = SLUICE_MODE_L2,
  nat = SLUICE_MODE_NAT,
};

// What of a packet picks its slot.
enum class Affinity : uint8_t {
  flow = SLUICE_AFFINITY_FLOW,
  client = SLUICE_AFFINITY_CLIENT,
  client_service = SLUICE_AFFINITY_CLIENT_SERVICE,
};

enum class BackendState : uint8_t {
  up = SLUICE_BACKEND_UP,
  draining = SLUICE_BACKEND_DRAINING,
  down = SLUICE_BACKEND_DOWN,
};

Result<Mode> parse_mode(std::string_view text);
Result<Affinity> parse_affinity(std::string_view text);  // "flow", "client", "client-service"
Result<uint8_t> parse_gue_variant(std::string_view text);
Result<BackendState> parse_backend_state(std::string_view text);
[[nodiscard]] std::string_view mode_text(Mode mode);
[[nodiscard]] std::string_view affinity_text(Affinity affinity);
[[nodiscard]] std::string_view backend_state_text(BackendState state);

// A service's name: 1 to 31 of [a-z0-9._-], starting with a letter or digit.
Result<std::string> parse_service_name(std::string_view text);
// An instance's name: 1 to 15 of [a-z0-9_-], starting with a letter. It is a directory in bpffs,
// where dots are reserved, and the name of the congestion control (TCP_CA_NAME_MAX is 16).
Result<std::string> parse_instance_name(std::string_view text);
// 0 to SLUICE_WEIGHT_MAX, a whole number in decimal.
Result<uint32_t> parse_weight(std::string_view text);

// What an instance has room for: "services", "backends" or "flows", from `min` to `max`.
Result<uint32_t> parse_capacity(std::string_view what, std::string_view text, uint32_t min,
                                uint32_t max);
// Packets, bytes and connections that went to backends.
struct Traffic {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint64_t connections = 0;

  Traffic& operator+=(const Traffic& other);
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

// What was seen of a service's flows in passing, also of those that have gone.
struct FlowTotals {
  uint64_t begun = 0;
  uint64_t finished = 0;
  uint64_t reset = 0;  // by the service
  uint64_t windows_lowered = 0;
  uint64_t server_retransmits = 0;
  uint64_t client_retransmits = 0;

  friend bool operator==(const FlowTotals&, const FlowTotals&) = default;
};

inline constexpr uint8_t gue_variant_default = 1;

struct Service {
  std::string name;
  Endpoint endpoint;
  Mode mode = Mode::snat;
  uint32_t number = 0;    // from 1; 0: not yet given
  uint8_t ring_bits = 0;  // 0: no ring yet
  bool removing = false;
  Traffic retired;  // of backends that are gone
  Affinity affinity = Affinity::flow;
  uint8_t gue_variant = gue_variant_default;  // of mode gue; the default in any other
  bool quic = false;
  uint32_t idle_timeout_s = SLUICE_IDLE_TIMEOUT_S_DEFAULT;
  uint32_t udp_timeout_s = SLUICE_UDP_TIMEOUT_S_DEFAULT;

  friend bool operator==(const Service&, const Service&) = default;
};

// The time-out of its own protocol: who was silent for longer may be purged.
[[nodiscard]] uint32_t service_timeout_s(const Service& service);

struct Backend {
  uint32_t service = 0;
  HostPort at;
  uint32_t number = 0;  // from 1; 0: not yet given
  uint32_t weight = 100;
  BackendState state = BackendState::up;
  bool removing = false;
  // What `sluice run` saw, apart from the operator's word.
  bool failing = false;           // its health checks
  uint16_t adapted_permille = 0;  // of the weight; 0: all of it

  friend bool operator==(const Backend&, const Backend&) = default;
};

// What its packets meet: the operator's word, and down while it fails or is on its way out.
[[nodiscard]] BackendState effective_state(const Backend& backend);

// The weights that these backends of one service share its ring by. Where one is adapted all of
// them are finer, for a thousandth of a small weight would be none; whoever has a weight keeps one.
[[nodiscard]] std::vector<uint32_t> effective_weights(const std::vector<Backend>& backends);

// Do replies come back through the director?
[[nodiscard]] inline bool replies_come_here(Mode mode) {
  return mode == Mode::snat || mode == Mode::nat;
}

// Bytes that the packet path puts in front of a packet to a backend there; 0 in modes that put
// none.
[[nodiscard]] size_t outer_bytes(const Service& service, const Address& backend);

// What stands in for the ports of an affine service's packets when a slot is picked: the same on
// every director. Of affinity client the same in all services.
[[nodiscard]] uint32_t affinity_salt(const Service& service);

// By what each of a service's backends takes its turns in the ring. Of affinity client ports do not
// count, so that a client has one backend in all services of the same servers; where several are at
// one address, it is their order that does.
[[nodiscard]] std::vector<HostPort> ring_places(const Service& service,
                                                const std::vector<Backend>& backends);

enum class FilterAction : uint8_t { allow = SLUICE_FILTER_ALLOW, deny = SLUICE_FILTER_DENY };

[[nodiscard]] std::string_view filter_action_text(FilterAction action);

// May clients of this prefix use the service? The longest prefix that holds a client decides; where
// none does, it may unless the service allows any at all.
struct Filter {
  uint32_t service = 0;
  Prefix prefix;
  FilterAction action = FilterAction::deny;
  bool removing = false;  // on its way out; whoever sees it finishes the removal

  friend bool operator==(const Filter&, const Filter&) = default;
};

}  // namespace sluice
