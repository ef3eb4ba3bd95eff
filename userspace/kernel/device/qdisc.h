// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The root qdisc of a device: `fq`, the only one that honours departure times, is installed when
// asked for and removed again. sluice's own has a fixed handle. In the network namespace of this
// process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "support/result.h"

namespace sluice {

// Origin of the root qdisc.
enum class QdiscOwner {
  kernel,  // the default of the kernel
  sluice,
  other,  // installed by other software
};

struct RootQdisc {
  std::string kind;  // "noqueue", "pfifo_fast", "mq", "htb" ...; "none": the device has none
  QdiscOwner owner = QdiscOwner::kernel;
  bool fq = false;  // fq, or mq with fq at every queue
};

Result<RootQdisc> root_qdisc(uint32_t ifindex);
// Whether the kernel has fq, built in or as a module. Tried on the loopback device of a temporary
// network namespace. Empty: this process may not create one.
std::optional<bool> kernel_has_fq();
// Replaces the kernel's default by fq; a multiqueue device gets mq with fq at each queue. False:
// the kernel has no fq, and nothing changed.
Result<bool> install_fq(const std::string& device, uint32_t ifindex);
// Restores the kernel's default. Success if the root qdisc is not sluice's.
Result<void> remove_fq(const std::string& device, uint32_t ifindex);

}  // namespace sluice
