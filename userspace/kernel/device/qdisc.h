// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The root qdisc of a device: `fq`, which alone honours departure times, put there when asked and
// taken away again. Ours is known by its handle. Holds for the network namespace of this process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "support/result.h"

namespace sluice {

// Whose root qdisc it is.
enum class QdiscOwner {
  nobody,  // what the kernel gives every device
  sluice,
  other,
};

struct RootQdisc {
  std::string kind;  // "noqueue", "pfifo_fast", "mq", "htb" ...; "none": the device has none
  QdiscOwner owner = QdiscOwner::nobody;
  bool fq = false;  // it is fq, or mq with fq below every queue
};

Result<RootQdisc> root_qdisc(uint32_t ifindex);
// Whether the kernel has fq, or a module of it: tried out on the loopback device of a network
// namespace that is gone afterwards. None: this process may not make one.
std::optional<bool> kernel_has_fq();
// Puts fq in place of what the kernel gave the device; below each queue where it has several.
// False: the kernel has no fq, and everything is as it was.
Result<bool> install_fq(const std::string& device, uint32_t ifindex);
// What the kernel gives the device is back. Success where the root qdisc is not ours.
Result<void> remove_fq(const std::string& device, uint32_t ifindex);

}  // namespace sluice
