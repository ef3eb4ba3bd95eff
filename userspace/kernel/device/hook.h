// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One program on one hook of one device, and the pin that keeps or remembers it. The pin's name
// says it all: PROGRAM-KIND-DEVICE@NAMESPACE. bpffs allows no dots in names, so those of a device
// are written %2e. An XDP or tcx pin is the link; a clsact pin is the program, beside its filter,
// and so is that of a program in libxdp's dispatcher (kernel/device/chain.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace sluice {

enum class Hook { xdp_native, xdp_generic, tc_ingress, tc_egress };
enum class HookKind { native, generic, tcx, clsact, chained };
[[nodiscard]] std::string_view hook_kind_text(HookKind kind);

struct HookPlace {
  std::string program;  // "steer", "punt", "pace_egress_edt" ...
  HookKind kind{};
  std::string device;
  std::string namespace_id;  // network namespace's inode number

  [[nodiscard]] std::string pin_name() const;
  static std::optional<HookPlace> from_pin_name(const std::string& pin_name);
};

// All of them that are pinned below `links`.
Result<std::vector<HookPlace>> hook_places(const std::string& links);

// Puts the program there and pins it below `links`. tc: tcx where the kernel has it, else clsact.
Result<HookPlace> hook_attach(int program_fd, Hook hook, const std::string& links,
                              const std::string& program, const std::string& device,
                              uint32_t ifindex);

// Is the device no longer there? (Of another namespace's clsact it cannot be known: false.)
[[nodiscard]] bool hook_is_gone(const HookPlace& place, const std::string& links);

// Another program for a pinned link of whatever kind. False: it is that link's already.
Result<bool> link_swap(const std::string& path, int program_fd);

// Puts another program in the place of the one that runs there: a packet meets the one or the
// other. False: it runs there already. Of clsact the device has to be in this network namespace.
// Not for what is chained.
Result<bool> hook_swap(const HookPlace& place, const std::string& links, int program_fd);
// Where the pin is the program, and only remembers the place.
Result<void> repin(int program_fd, const std::string& links, const HookPlace& place);

// Takes the program away, and the pin. A clsact filter in another network namespace cannot be
// reached from here and stays.
Result<void> hook_detach(const HookPlace& place, const std::string& links);

}  // namespace sluice
