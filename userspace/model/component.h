// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The components of sluice that attach to a device, and their settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "support/result.h"

namespace sluice {

enum class Component : uint8_t { steer, decap, pace };
enum class XdpMode : uint8_t { automatic, native, generic };  // automatic: native, else generic

// The kernel's default for a device (GSO_MAX_SEGS).
inline constexpr uint32_t kGsoMaxSegs = 65535;

struct AttachSettings {
  XdpMode mode = XdpMode::automatic;
  bool chain = false;  // beside other programs, through libxdp's dispatcher
  bool fq = false;     // pace: make fq the device's root qdisc
  // pace: packets in one GSO super-packet of the device, 1 to kGsoMaxSegs
  std::optional<uint32_t> gso_max_segs{};

  friend bool operator==(const AttachSettings&, const AttachSettings&) = default;
};

Result<Component> parse_component(std::string_view text);
Result<XdpMode> parse_xdp_mode(std::string_view text);
Result<uint32_t> parse_gso_max_segs(std::string_view text);
[[nodiscard]] std::string_view component_text(Component component);
[[nodiscard]] std::string_view xdp_mode_text(XdpMode mode);

}  // namespace sluice
