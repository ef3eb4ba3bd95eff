// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Numbers for new services and backends. A service gets the lowest free number, a backend one that
// was never used or else the one that was freed longest ago, so that whatever still knows an old
// backend by its number does not take a new one for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "control/configuration.h"
#include "support/result.h"

namespace sluice {

class Numbers {
 public:
  // `freed` as of Dataplane::backends_freed(). All three outlive this.
  Numbers(const Configuration& running, const Capacities& capacities,
          const std::vector<uint64_t>& freed)
      : running_(running), capacities_(capacities), freed_(freed) {}

  // For a service of this name, a backend of this service: an error names it if all are taken.
  Result<uint32_t> service(const std::string& name);
  Result<uint32_t> backend(const Service& service, const HostPort& at);

 private:
  void rank_backends();

  const Configuration& running_;
  const Capacities& capacities_;
  const std::vector<uint64_t>& freed_;
  std::optional<std::unordered_set<uint32_t>> services_taken_;
  uint32_t next_service_ = 1;
  std::optional<std::vector<uint32_t>> backends_;
  size_t next_backend_ = 0;
};

}  // namespace sluice
