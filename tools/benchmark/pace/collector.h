// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The log of arrivals.bpf.c, attached to a device in a namespace.
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
  // Attaches at tc ingress of the device, for packets from this port (host order). Never detached:
  // the program vanishes with the device.
  static Result<Collector> attach(const std::string& netns, const std::string& device,
                                  uint16_t port, bool drop);

  [[nodiscard]] uint64_t seen() const;
  // In order of arrival; fails if more packets arrived than the log holds.
  [[nodiscard]] Result<std::vector<arrival>> log() const;

 private:
  std::shared_ptr<arrivals_bpf> skeleton_;
};

}  // namespace sluice::benchmark
