// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/service.h"

#include <algorithm>

#include "model/decimal.h"
#include "sluice/limits.h"

namespace sluice {

namespace {

bool is_lower(char letter) {
  return letter >= 'a' && letter <= 'z';
}
bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

bool made_of(std::string_view text, std::string_view signs) {
  return std::all_of(text.begin(), text.end(), [signs](char letter) {
    return is_lower(letter) || is_digit(letter) || signs.find(letter) != std::string_view::npos;
  });
}

constexpr size_t kServiceNameMax = SLUICE_NAME_LENGTH - 1;
constexpr size_t kInstanceNameMax = 15;

}  // namespace

Result<Affinity> parse_affinity(std::string_view text) {
  for (const Affinity affinity : {Affinity::flow, Affinity::client, Affinity::client_service}) {
    if (text == affinity_text(affinity)) return affinity;
  }
  return misused("affinity {:?}: not an affinity; write flow, client or client-service", text);
}

Result<uint8_t> parse_gue_variant(std::string_view text) {
  if (text == "0") return uint8_t{0};
  if (text == "1") return uint8_t{1};
  return misused("GUE variant {:?}: there are 0 and 1", text);
}

Result<BackendState> parse_backend_state(std::string_view text) {
  if (text == "up") return BackendState::up;
  if (text == "draining") return BackendState::draining;
  if (text == "down") return BackendState::down;
  return misused("state {:?}: not a backend's state; write up, draining or down", text);
}

std::string_view affinity_text(Affinity affinity) {
  switch (affinity) {
    case Affinity::flow:
      return "flow";
    case Affinity::client:
      return "client";
    case Affinity::client_service:
      return "client-service";
  }
  return "unknown";
}

std::string_view filter_action_text(FilterAction action) {
  return action == FilterAction::allow ? "allow" : "deny";
}

std::string_view backend_state_text(BackendState state) {
  switch (state) {
    case BackendState::up:
      return "up";
    case BackendState::draining:
      return "draining";
    case BackendState::down:
      return "down";
  }
  return "unknown";
}

BackendState effective_state(const Backend& backend) {
  return backend.removing || backend.failing ? BackendState::down : backend.state;
}

std::vector<uint32_t> effective_weights(const std::vector<Backend>& backends) {
  uint32_t heaviest = 0;
  bool adapted = false;
  for (const Backend& backend : backends) {
    heaviest = std::max(heaviest, backend.weight);
    adapted = adapted || backend.adapted_permille != 0;
  }
  // By a power of two, so that their ring differs in what is adapted alone (model/maglev.cpp).
  uint32_t finer = 1;
  while (adapted && heaviest > 0 && heaviest * finer * 2 <= SLUICE_WEIGHT_MAX) finer *= 2;
  std::vector<uint32_t> weights;
  weights.reserve(backends.size());
  for (const Backend& backend : backends) {
    const uint64_t permille = backend.adapted_permille == 0 ? 1000 : backend.adapted_permille;
    const auto weight = static_cast<uint32_t>(uint64_t{backend.weight} * finer * permille / 1000);
    weights.push_back(backend.weight > 0 ? std::max(weight, 1U) : 0);
  }
  return weights;
}

Result<std::string> parse_service_name(std::string_view text) {
  if (text.empty())
    return misused("service name \"\": empty; write 1 to {} characters", kServiceNameMax);
  if (text.size() > kServiceNameMax) {
    return misused("service name {:?}: {} characters, of which {} at most are kept; shorten it",
                   text, text.size(), kServiceNameMax);
  }
  if (!made_of(text, "._-")) {
    return misused("service name {:?}: made of other than a-z, 0-9, \".\", \"_\" and \"-\"", text);
  }
  if (!is_lower(text.front()) && !is_digit(text.front())) {
    return misused("service name {:?}: does not start with a letter or a digit", text);
  }
  return std::string(text);
}

Result<std::string> parse_instance_name(std::string_view text) {
  if (text.empty())
    return misused("instance name \"\": empty; write 1 to {} characters", kInstanceNameMax);
  if (text.size() > kInstanceNameMax) {
    return misused("instance name {:?}: {} characters, where {} fit; shorten it", text, text.size(),
                   kInstanceNameMax);
  }
  if (!made_of(text, "_-")) {
    return misused("instance name {:?}: made of other than a-z, 0-9, \"_\" and \"-\"", text);
  }
  if (!is_lower(text.front())) {
    return misused("instance name {:?}: does not start with a letter", text);
  }
  return std::string(text);
}

Result<uint32_t> parse_weight(std::string_view text) {
  auto weight = parse_decimal(text, SLUICE_WEIGHT_MAX);
  if (!weight) {
    return misused("weight {:?}: not a whole number from 0 to {}", text, SLUICE_WEIGHT_MAX);
  }
  return static_cast<uint32_t>(*weight);
}

Result<uint32_t> parse_capacity(std::string_view what, std::string_view text, uint32_t min,
                                uint32_t max) {
  auto capacity = parse_decimal(text, max);
  if (!capacity || *capacity < min) {
    return misused("{} {:?}: not a whole number from {} to {}", what, text, min, max);
  }
  return static_cast<uint32_t>(*capacity);
}

size_t outer_bytes(const Service& service, const Address& backend) {
  constexpr size_t v4_bytes = 20;
  constexpr size_t v6_bytes = 40;
  constexpr size_t udp_bytes = 8;
  constexpr size_t gue_bytes = 4;  // variant 1 has no header of its own
  const size_t ip_bytes = backend.is_v4() ? v4_bytes : v6_bytes;
  switch (traits(service.mode).encapsulation) {
    case Encapsulation::none:
      return 0;
    case Encapsulation::ip:
      return ip_bytes;
    case Encapsulation::gue:
      return ip_bytes + udp_bytes + (service.gue_variant == 0 ? gue_bytes : 0);
  }
  return 0;
}

std::vector<HostPort> ring_places(const Service& service, const std::vector<Backend>& backends) {
  std::vector<HostPort> places;
  for (const Backend& backend : backends) places.push_back(backend.at);
  if (service.affinity != Affinity::client) return places;
  std::vector<size_t> order(places.size());
  for (size_t i = 0; i < order.size(); i++) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (!(places[a].address == places[b].address)) return places[a].address < places[b].address;
    return places[a].port < places[b].port;
  });
  uint16_t rank = 0;
  for (size_t i = 0; i < order.size(); i++) {
    const bool same = i > 0 && places[order[i]].address == places[order[i - 1]].address;
    rank = same ? static_cast<uint16_t>(rank + 1) : uint16_t{0};
    places[order[i]].port = rank;
  }
  return places;
}

uint32_t affinity_salt(const Service& service) {
  if (service.affinity != Affinity::client_service) return 0;
  // FNV-1a (draft-eastlake-fnv); the hash that it enters spreads it.
  uint32_t salt = 2166136261;
  const auto add = [&salt](uint8_t byte) { salt = (salt ^ byte) * 16777619; };
  const sluice_endpoint raw = service.endpoint.raw();
  for (const uint8_t byte : raw.address.bytes) add(byte);
  add(static_cast<uint8_t>(service.endpoint.port >> 8));
  add(static_cast<uint8_t>(service.endpoint.port & 0xff));
  add(raw.l4_proto);
  add(service.endpoint.prefix_bits);
  return salt;
}

Traffic& Traffic::operator+=(const Traffic& other) {
  packets += other.packets;
  bytes += other.bytes;
  connections += other.connections;
  return *this;
}

uint32_t service_timeout_s(const Service& service) {
  return service.endpoint.l4_proto == L4Proto::udp ? service.udp_timeout_s : service.idle_timeout_s;
}

}  // namespace sluice
