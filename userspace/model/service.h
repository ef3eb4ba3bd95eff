// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Services and backends as configured. Pure data and its spelling; userspace/kernel keeps them in
// maps.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "model/address.h"
#include "model/mode_traits.h"
#include "sluice/limits.h"
#include "sluice/service.h"
#include "support/result.h"

inline bool operator==(const sluice_service_options& a, const sluice_service_options& b) {
  static_assert(std::has_unique_object_representations_v<sluice_service_options>);
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

namespace sluice {

// Which part of a packet picks its ring slot.
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

Result<Affinity> parse_affinity(std::string_view text);  // "flow", "client", "client-service"
Result<uint8_t> parse_gue_variant(std::string_view text);
Result<BackendState> parse_backend_state(std::string_view text);
[[nodiscard]] std::string_view affinity_text(Affinity affinity);
[[nodiscard]] std::string_view backend_state_text(BackendState state);

// A service's name: 1 to 31 of [a-z0-9._-], starting with a letter or digit.
Result<std::string> parse_service_name(std::string_view text);
// An instance's name: 1 to 15 of [a-z0-9_-], starting with a letter. It names a directory in bpffs,
// where dots are reserved, and the congestion control (TCP_CA_NAME_MAX is 16).
Result<std::string> parse_instance_name(std::string_view text);
// 0 to SLUICE_WEIGHT_MAX, a whole number in decimal.
Result<uint32_t> parse_weight(std::string_view text);

// A capacity of an instance, "services", "backends" or "flows", from `min` to `max`.
Result<uint32_t> parse_capacity(std::string_view what, std::string_view text, uint32_t min,
                                uint32_t max);
// Packets, bytes and connections sent to backends.
struct Traffic {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint64_t connections = 0;

  Traffic& operator+=(const Traffic& other);
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

// Counts of a service's flows, including flows that have ended.
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

// An option that is not named here is 0 by default.
struct Service : sluice_service_options {
  Service() : sluice_service_options{} {
    idle_timeout_s = SLUICE_IDLE_TIMEOUT_S_DEFAULT;
    udp_timeout_s = SLUICE_UDP_TIMEOUT_S_DEFAULT;
    gue_variant = gue_variant_default;
  }

  std::string name;
  Endpoint endpoint;
  Mode mode = Mode::snat;
  uint32_t number = 0;    // from 1; 0: none yet
  uint8_t ring_bits = 0;  // 0: no ring yet
  bool removing = false;
  Traffic retired;  // of removed backends
  Affinity affinity = Affinity::flow;
  bool quic = false;

  friend bool operator==(const Service&, const Service&) = default;
};

// The time-out of its protocol: a flow that was silent for longer may be purged.
[[nodiscard]] uint32_t service_timeout_s(const Service& service);

struct Backend {
  uint32_t service = 0;
  HostPort at;
  uint32_t number = 0;  // from 1; 0: none yet
  uint32_t weight = 100;
  BackendState state = BackendState::up;
  bool removing = false;
  // Set by `sluice run`, apart from the configuration.
  bool failing = false;           // its health checks
  uint16_t adapted_permille = 0;  // of the weight; 0: all of it

  friend bool operator==(const Backend&, const Backend&) = default;
};

// The state on the packet path: as configured, and down while it fails or is being removed.
[[nodiscard]] BackendState effective_state(const Backend& backend);

// The weights by which these backends of one service share its ring. If one is adapted, all are
// scaled up, because a thousandth of a small weight rounds to 0. A weight above 0 stays above 0.
[[nodiscard]] std::vector<uint32_t> effective_weights(const std::vector<Backend>& backends);

// Bytes of the outer headers of a packet to this backend; 0 in modes without encapsulation.
[[nodiscard]] size_t outer_bytes(const Service& service, const Address& backend);

// Replaces the ports in the hash of an affine service's packets; the same on every director. With
// affinity client it is the same in all services.
[[nodiscard]] uint32_t affinity_salt(const Service& service);

// The identity of each backend in the ring's permutations. With affinity client the port is
// replaced, so that a client has one backend in all services of the same servers: by the rank among
// the backends of the same address.
[[nodiscard]] std::vector<HostPort> ring_places(const Service& service,
                                                const std::vector<Backend>& backends);

enum class FilterAction : uint8_t { allow = SLUICE_FILTER_ALLOW, deny = SLUICE_FILTER_DENY };

[[nodiscard]] std::string_view filter_action_text(FilterAction action);

// May clients of this prefix use the service? The longest prefix that contains the client decides.
// Without one, the client may, unless the service has a filter that allows.
struct Filter {
  uint32_t service = 0;
  Prefix prefix;
  FilterAction action = FilterAction::deny;
  bool removing = false;  // being removed; the next command finishes an interrupted removal

  friend bool operator==(const Filter&, const Filter&) = default;
};

}  // namespace sluice
