// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Prepares the path of checks that travel as clients' packets do: attaches the program `probe` to
// the devices that lead to these backends.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kernel/instance/instance.h"
#include "model/desired.h"

namespace sluice {

// Whether checks of this backend can travel so: a mode with direct server return, one address
// family, a service with a single address, and a backend number that fits into the mark.
[[nodiscard]] bool can_be_probed(const HealthCheck& check, const Service& service,
                                 const Backend& backend);

class ProbePaths {
 public:
  // Numbers of the backends whose path is ready. Routes are looked up again every 30 s.
  Result<std::set<uint32_t>> prepare(const std::string& instance,
                                     const std::vector<Backend>& backends, uint32_t now_s);

 private:
  std::map<std::string, std::string> devices_;  // by address; empty: no route
  std::set<std::string> prepared_;
  uint32_t asked_s_ = 0;
};

}  // namespace sluice
