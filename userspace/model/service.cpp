#include "model/service.h"

#include <algorithm>

#include "model/decimal.h"

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

Result<Mode> parse_mode(std::string_view text) {
  if (text == "ipip") return Mode::ipip;
  if (text == "snat") return Mode::snat;
  return misused("mode {:?}: not a forwarding mode; write ipip or snat", text);
}

Result<BackendState> parse_backend_state(std::string_view text) {
  if (text == "up") return BackendState::up;
  if (text == "draining") return BackendState::draining;
  if (text == "down") return BackendState::down;
  return misused("state {:?}: not a backend's state; write up, draining or down", text);
}

std::string_view mode_text(Mode mode) {
  switch (mode) {
    case Mode::ipip:
      return "ipip";
    case Mode::snat:
      return "snat";
  }
  return "unknown";
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
