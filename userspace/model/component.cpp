// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/component.h"

#include <array>
#include <utility>

#include "model/decimal.h"

namespace sluice {

namespace {

constexpr std::array<std::pair<Component, std::string_view>, 3> components{
    {{Component::steer, "steer"}, {Component::decap, "decap"}, {Component::pace, "pace"}}};
constexpr std::array<std::pair<XdpMode, std::string_view>, 3> xdp_modes{
    {{XdpMode::automatic, "automatic"},
     {XdpMode::native, "native"},
     {XdpMode::generic, "generic"}}};

}  // namespace

Result<Component> parse_component(std::string_view text) {
  for (const auto& [component, name] : components)
    if (text == name) return component;
  return misused("component \"{}\": there is none of that name (there are: steer, decap, pace)",
                 text);
}

Result<XdpMode> parse_xdp_mode(std::string_view text) {
  for (const auto& [mode, name] : xdp_modes)
    if (text == name) return mode;
  return misused("xdp \"{}\": there is no such mode (there are: automatic, native, generic)", text);
}

Result<uint32_t> parse_gso_max_segs(std::string_view text) {
  const auto packets = parse_decimal(text, kGsoMaxSegs);
  if (packets && *packets != 0) return static_cast<uint32_t>(*packets);
  return misused("gso-max-segs {:?}: not a whole number of packets from 1 to {}", text,
                 kGsoMaxSegs);
}

std::string_view component_text(Component component) {
  for (const auto& [candidate, name] : components)
    if (candidate == component) return name;
  return "unknown";
}

std::string_view xdp_mode_text(XdpMode mode) {
  for (const auto& [candidate, name] : xdp_modes)
    if (candidate == mode) return name;
  return "unknown";
}

}  // namespace sluice
