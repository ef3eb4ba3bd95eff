// One program on one hook of one device, and the pin that keeps or remembers it. The pin's name
// says it all: PROGRAM-KIND-DEVICE@NAMESPACE. bpffs allows no dots in names, so those of a device
// are written %2e. An XDP or tcx pin is the link; a clsact pin is the program, beside its filter,
// and so is that of a program in libxdp's dispatcher (kernel/chain.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "support/result.h"

namespace sluice {

enum class Hook { xdp_native, xdp_generic, tc_ingress, tc_egress };
enum class HookKind { native, generic, tcx, clsact, chained };
[[nodiscard]] std::string_view hook_kind_text(HookKind kind);

struct HookPlace {
  std::string program;  // "steer", "handover", "pace_egress_edt" ...
  HookKind kind{};
  std::string device;
  std::string namespace_id;  // network namespace's inode number

  [[nodiscard]] std::string pin_name() const;
  static std::optional<HookPlace> from_pin_name(const std::string& pin_name);
};

// Puts the program there and pins it below `links`. tc: tcx where the kernel has it, else clsact.
Result<HookPlace> hook_attach(int program_fd, Hook hook, const std::string& links,
                              const std::string& program, const std::string& device,
                              uint32_t ifindex);

// Is the device no longer there? (Of another namespace's clsact it cannot be known: false.)
[[nodiscard]] bool hook_is_gone(const HookPlace& place, const std::string& links);

// Takes the program away, and the pin. A clsact filter in another network namespace cannot be
// reached from here and stays.
Result<void> hook_detach(const HookPlace& place, const std::string& links);

}  // namespace sluice
