// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A configuration by service, and as a file describes it. What is removing is not in it.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "control/configuration.h"
#include "model/desired.h"

namespace sluice {

// A service with what belongs to it, in the configuration, which outlives this.
struct RunningService {
  const Service* service = nullptr;
  std::vector<const Backend*> backends{};
  std::vector<const Filter*> filters{};
  std::vector<const ClientWeight*> weights{};
  Policy policy{};
};

class Running {
 public:
  explicit Running(const Configuration& configuration);
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  // Null: none of that name.
  [[nodiscard]] const RunningService* named(const std::string& name) const;
  [[nodiscard]] const std::vector<RunningService>& services() const { return services_; }

 private:
  std::vector<RunningService> services_;
  std::unordered_map<std::string, const RunningService*> by_name_;
};

// The services as a file describes them, by name.
[[nodiscard]] std::vector<DesiredService> services_of(const Configuration& configuration);

}  // namespace sluice
