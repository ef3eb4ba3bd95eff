// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which backends' checks can travel as clients' packets do: those whose way out carries the program
// `probe`, which is put there when it is missing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kernel/instance/instance.h"
#include "model/desired.h"

namespace sluice {

// Is there such a way at all? A mode that encapsulates or keeps addresses, families that are the
// same, one address, and a number that a mark has room for.
[[nodiscard]] bool check_may_travel(const HealthCheck& check, const Service& service,
                                    const Backend& backend);

class ProbePaths {
 public:
  // Of these backends, by number. Routes are asked for again every now and then.
  Result<std::set<uint32_t>> prepare(const std::string& instance,
                                     const std::vector<Backend>& backends, uint32_t now_s);

 private:
  std::map<std::string, std::string> devices_;  // by address; empty: no route
  std::set<std::string> prepared_;
  uint32_t asked_s_ = 0;
};

}  // namespace sluice
