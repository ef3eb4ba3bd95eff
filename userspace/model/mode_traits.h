// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The forwarding modes, one row of facts each. Code asks for a trait and does not compare modes: a
// new mode is an enumerator, a row, and a case of traits(), which the compiler asks for.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

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

// The outer headers of a packet to a backend. gue: IP and UDP, and the GUE header in variant 0.
enum class Encapsulation : uint8_t { none, ip, gue };

struct ModeTraits {
  std::string_view name;
  std::string_view sentence;
  Encapsulation encapsulation = Encapsulation::none;
  // Rewrites the destination, so replies have to pass the director; otherwise they go straight to
  // the client.
  bool translates = false;
  // Each connection has an entry in `translations`; replies come to an address of the director.
  bool keeps_translations = false;
  // The backend has to be on a link of the director: its MAC is the only thing that says where to.
  bool needs_neighbour = false;
  // Why client and backend must be of one address family; empty: any family in any.
  std::string_view one_family{};

  // Stateless translation: a reply is known by its source address and port alone.
  [[nodiscard]] constexpr bool replies_by_source() const {
    return translates && !keeps_translations;
  }
};

namespace detail {

inline constexpr ModeTraits snat_traits{
    .name = "snat",
    .sentence = "full NAT: both addresses are translated, replies pass the director",
    .translates = true,
    .keeps_translations = true,
    .one_family = "translates between addresses of one family"};
inline constexpr ModeTraits nat_traits{
    .name = "nat",
    .sentence = "destination NAT without state: replies have to be routed through the director",
    .translates = true,
    .one_family = "translates between addresses of one family"};
inline constexpr ModeTraits ipip_traits{.name = "ipip",
                                        .sentence = "IP in IP; replies go straight to the client",
                                        .encapsulation = Encapsulation::ip};
inline constexpr ModeTraits gue_traits{
    .name = "gue",
    .sentence = "IP in UDP (GUE); replies go straight to the client",
    .encapsulation = Encapsulation::gue};
inline constexpr ModeTraits l2_traits{
    .name = "l2",
    .sentence = "only the MAC is rewritten; replies go straight to the client",
    .needs_neighbour = true,
    .one_family = "changes only the MAC, so the backend is a neighbour of the packet's family"};
inline constexpr ModeTraits unknown_traits{.name = "unknown", .sentence = "not a mode"};

}  // namespace detail

// In the order in which help pages list them.
inline constexpr std::array all_modes{Mode::snat, Mode::nat, Mode::ipip, Mode::gue, Mode::l2};

// No default: the compiler asks for a case of each mode (-Wswitch).
[[nodiscard]] constexpr const ModeTraits& traits(Mode mode) {
  switch (mode) {
    case Mode::ipip:
      return detail::ipip_traits;
    case Mode::snat:
      return detail::snat_traits;
    case Mode::gue:
      return detail::gue_traits;
    case Mode::l2:
      return detail::l2_traits;
    case Mode::nat:
      return detail::nat_traits;
  }
  return detail::unknown_traits;  // a byte of a map that is none of them
}

[[nodiscard]] constexpr bool replies_come_here(Mode mode) {
  return traits(mode).translates;
}

Result<Mode> parse_mode(std::string_view text);
[[nodiscard]] constexpr std::string_view mode_text(Mode mode) {
  return traits(mode).name;
}

}  // namespace sluice
