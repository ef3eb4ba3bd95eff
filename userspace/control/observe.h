// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `sluice run` saw of backends, put beside the operator's word: many at once, under the lock.
// Each is whole in itself; who is killed on the way leaves some for the next command to finish
// (control/recover.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/dataplane.h"
#include "model/service.h"

namespace sluice {

struct Observation {
  std::string service;
  HostPort backend;
  std::optional<bool> failing{};               // its health checks
  std::optional<uint16_t> adapted_permille{};  // of its weight; 0: all of it
};

// Sentences of what that changed: "backend 10.0.0.11:8443 of web: failing". A service or backend
// that is gone meanwhile is passed over.
Result<std::vector<std::string>> backends_observe(Dataplane& dataplane,
                                                  const std::vector<Observation>& observations);

}  // namespace sluice
