// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The configuration, read once at the start of a command, with its look-ups. What is
// `removing` no longer exists for the operator: look-ups by name or address do not find it. Its
// number stays in use until control/derive.h has finished the removal.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "control/ports/configuration_store.h"
#include "model/policy.h"
#include "model/service.h"
#include "support/result.h"

namespace sluice {

struct Configuration {
  std::vector<Service> services;
  std::vector<Backend> backends;
  std::vector<std::pair<uint32_t, Policy>> policies;  // by service number
  std::vector<Filter> filters{};                      // by service and prefix
  std::vector<ClientWeight> weights{};                // by service and prefix
  // False: one service and its backends alone were read. What services share cannot be derived
  // from it (control/tables.cpp).
  bool whole = true;

  // Both include a committed transaction, however far it was carried out.
  static Result<Configuration> load(ConfigurationStore& store);
  // For a change of one service's backends, which would otherwise read those of all services.
  static Result<Configuration> load_backends_of(ConfigurationStore& store,
                                                const std::string& service);

  // By number, including what is removing. Null: none.
  [[nodiscard]] Service* service(uint32_t number);
  [[nodiscard]] const Policy* policy(uint32_t service) const;
  // Without what is removing. Null: none.
  [[nodiscard]] Service* service_with_name(const std::string& name);
  [[nodiscard]] Service* service_with_endpoint(const Endpoint& endpoint);
  [[nodiscard]] Backend* backend_at(uint32_t service, const HostPort& at);
  [[nodiscard]] size_t backends_of(uint32_t service) const;
  [[nodiscard]] const Filter* filter(uint32_t service, const Prefix& prefix) const;
  [[nodiscard]] ClientWeight* weight(uint32_t service, const Prefix& prefix);

  // A policy that limits nothing is erased.
  void set_policy(uint32_t service, const Policy& policy);

  // Makes it what it is once these are written.
  void take(const Writes& writes);

  void purge_backend(uint32_t number);
  void purge_service(uint32_t number);  // and all that it has
};

// An error lists the services, or the backends, that exist.
Result<Service*> find_service(Configuration& configuration, const std::string& name);
Result<Backend*> find_backend(Configuration& configuration, const Service& service,
                              const HostPort& at);

// "backend 10.0.0.11:8443 of web": the start of every sentence about it.
[[nodiscard]] std::string backend_text(const Service& service, const HostPort& at);

}  // namespace sluice
