// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What has to change so that the running services become the desired ones: the smallest set of
// changes, in their order, as sentences and as what is written. Pure: whatever is planned is
// carried out (control/apply.h) or shown, and both say the same.
//
// A service keeps its number, its ring and its connections through every change but three: another
// endpoint, another mode, or other options that pick a backend, while it has backends. Then it is
// replaced: a new one takes its place in the packet path with one write, and the old one goes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/configuration.h"
#include "control/dataplane.h"
#include "control/derive.h"
#include "model/desired.h"
#include "support/result.h"

namespace sluice {

struct Plan {
  std::vector<std::string> sentences;  // one for each change; empty: all is as desired
  Writes writes;
  std::vector<uint32_t> services;  // numbers of those that change
  // Backends that no packet path knows yet, with their service; `mark` of the file.
  struct NewBackend {
    Service service;
    Backend backend;
    Mark mark;
  };
  std::vector<NewBackend> added;
  DirtySet dirty{
      .records = false, .endpoints = false, .table = false, .rings = false, .timeouts = false};
};

// `desired` has services. Fails where the instance has no room for them. `freed` as of Dataplane.
Result<Plan> plan_services(const std::vector<DesiredService>& desired, const Configuration& running,
                           const Capacities& capacities, const std::vector<uint64_t>& freed);

// The services as a file would say them, by name; what is on its way out is none of them.
[[nodiscard]] std::vector<DesiredService> services_of(const Configuration& running);

}  // namespace sluice
