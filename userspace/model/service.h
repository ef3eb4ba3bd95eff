// Services, backends and policies as the operator means them. Pure data and its spelling; the
// maps they are kept in are userspace/kernel's business.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/address.h"
#include "sluice/limits.h"
#include "sluice/service.h"
#include "support/result.h"

namespace sluice {

enum class Mode : uint8_t { ipip = SLUICE_MODE_IPIP, snat = SLUICE_MODE_SNAT };

enum class BackendState : uint8_t {
  up = SLUICE_BACKEND_UP,
  draining = SLUICE_BACKEND_DRAINING,
  down = SLUICE_BACKEND_DOWN,
};

Result<Mode> parse_mode(std::string_view text);
Result<BackendState> parse_backend_state(std::string_view text);
[[nodiscard]] std::string_view mode_text(Mode mode);
[[nodiscard]] std::string_view backend_state_text(BackendState state);

// A service's name: 1 to 31 of [a-z0-9._-], starting with a letter or digit.
Result<std::string> parse_service_name(std::string_view text);
// An instance's name: 1 to 15 of [a-z0-9_-], starting with a letter. It is a directory in bpffs,
// where dots are reserved, and the name of the congestion control (TCP_CA_NAME_MAX is 16).
Result<std::string> parse_instance_name(std::string_view text);
// 0 to SLUICE_WEIGHT_MAX, a whole number in decimal.
Result<uint32_t> parse_weight(std::string_view text);

// Packets, bytes and connections that went to backends.
struct Traffic {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint64_t connections = 0;

  Traffic& operator+=(const Traffic& other);
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

struct Service {
  std::string name;
  Endpoint endpoint;
  Mode mode = Mode::snat;
  uint32_t number = 0;    // from 1; 0: not yet given
  uint8_t ring_bits = 0;  // 0: no ring yet
  bool removing = false;
  Traffic retired;  // of backends that are gone
  uint32_t idle_timeout_s = SLUICE_IDLE_TIMEOUT_S_DEFAULT;
  uint32_t udp_timeout_s = SLUICE_UDP_TIMEOUT_S_DEFAULT;

  friend bool operator==(const Service&, const Service&) = default;
};

// The time-out of its own protocol: who was silent for longer may be forgotten.
[[nodiscard]] uint32_t service_timeout_s(const Service& service);

struct Backend {
  uint32_t service = 0;
  HostPort at;
  uint32_t number = 0;  // from 1; 0: not yet given
  uint32_t weight = 100;
  BackendState state = BackendState::up;
  bool removing = false;

  friend bool operator==(const Backend&, const Backend&) = default;
};

struct Policy {
  uint64_t flow_rate_bytes_per_sec = 0;  // 0: no limit
  uint32_t window_bytes = 0;             // 0: no limit

  friend bool operator==(const Policy&, const Policy&) = default;
};

}  // namespace sluice
