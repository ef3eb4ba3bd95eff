// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Where a program is attached. Each attach point has a pin in the instance's directory, named
// PROGRAM-KIND-DEVICE@NAMESPACE. bpffs allows no dots in names, so a dot of a device name becomes
// %2e.
//   native, generic, tcx: the pin is the link, which keeps the program attached
//   clsact, chained:      the pin is the program; it records the attach point and keeps nothing
//                         attached
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace sluice {

enum class HookKind { native, generic, tcx, clsact, chained };
[[nodiscard]] std::string_view hook_kind_text(HookKind kind);

struct AttachPoint {
  std::string program;  // "steer", "punt", "pace_egress_edt" ...
  HookKind kind{};
  std::string device;
  std::string namespace_id;  // inode number of the network namespace

  [[nodiscard]] std::string pin_name() const;
  static std::optional<AttachPoint> from_pin_name(const std::string& pin_name);
};

// Those pinned in `links`; empty if the directory does not exist.
Result<std::vector<AttachPoint>> attach_points(const std::string& links);

// Replaces the pin of an attach point whose pin is the program.
Result<void> repin(int program_fd, const std::string& links, const AttachPoint& point);

}  // namespace sluice
