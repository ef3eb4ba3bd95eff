// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// arrivals.bpf.c on a device of a namespace, and the log that it keeps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/bpf/arrivals.h"
#include "support/result.h"

struct arrivals_bpf;

namespace sluice::benchmark {

class Collector {
 public:
  // At tc ingress of the device, for packets from this port (host order). It goes with its device.
  static Result<Collector> attach(const std::string& netns, const std::string& device,
                                  uint16_t port, bool drop);

  [[nodiscard]] uint64_t seen() const;
  // In the order of arrival; an error where more came than the log holds.
  [[nodiscard]] Result<std::vector<arrival>> log() const;

 private:
  std::shared_ptr<arrivals_bpf> skeleton_;
};

}  // namespace sluice::benchmark
