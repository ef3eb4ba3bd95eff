// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The configuration of an instance, as the operator and the daemon set it, and the announcement of
// a change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/policy.h"
#include "model/service.h"
#include "support/result.h"

namespace sluice {

struct Capacities {
  uint32_t services = 0;
  uint32_t backends = 0;
  uint32_t filters = 0;
  uint32_t client_weights = 0;
  uint32_t flows = 0;
};

// The records that one change writes into the configuration. What is removed is `removing`; a
// policy that limits nothing and a weight of 0 are erased.
struct Writes {
  std::vector<Service> services{};
  std::vector<Backend> backends{};
  std::vector<std::pair<uint32_t, Policy>> policies{};  // by service number
  std::vector<Filter> filters{};
  std::vector<ClientWeight> weights{};

  [[nodiscard]] bool empty() const {
    return services.empty() && backends.empty() && policies.empty() && filters.empty() &&
           weights.empty();
  }
  friend bool operator==(const Writes&, const Writes&) = default;
};

class ConfigurationStore {
 public:
  virtual ~ConfigurationStore() = default;

  [[nodiscard]] virtual Capacities capacities() const = 0;

  virtual Result<std::vector<Service>> services() = 0;  // by name
  // Without what is removing. Nothing: there is none.
  virtual Result<std::optional<Service>> service_with_name(const std::string& name) = 0;
  virtual Result<std::vector<Backend>> backends() = 0;                      // by number
  virtual Result<std::vector<Backend>> backends_of(uint32_t service) = 0;   // by number
  virtual Result<std::vector<std::pair<uint32_t, Policy>>> policies() = 0;  // by service number
  virtual Result<std::vector<Filter>> filters() = 0;                        // by service and prefix
  virtual Result<std::vector<ClientWeight>> client_weights() = 0;           // by service and prefix

  // One record is written or not, and so are all filters. A kill may interrupt anything else; the
  // call can be repeated. Erasing a policy or a weight that does not exist is success.
  virtual Result<void> write_all(const Writes& writes) = 0;
  virtual Result<void> erase_service(const Service& service) = 0;
  virtual Result<void> erase_backend(const Backend& backend) = 0;
  virtual Result<void> erase_filters(const std::vector<Filter>& filters) = 0;

  // What a transaction writes, kept as a whole or not at all, beside the configuration. It is
  // committed while pending() is SLUICE_PENDING_JOURNAL. Nothing: there is no journal.
  virtual Result<void> put_journal(const Writes& writes) = 0;
  virtual Result<std::optional<Writes>> journal() = 0;
  virtual Result<void> erase_journal() = 0;  // success when there is none

  // 0, a service's number, or SLUICE_PENDING_ALL or _JOURNAL: see struct sluice_instance.
  virtual Result<uint32_t> pending() = 0;
  virtual Result<void> set_pending(uint32_t service) = 0;
};

}  // namespace sluice
