// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The whole configuration, read once at the start of a command, and the questions that every use
// case asks of it. What is `removing` is gone as far as the operator is concerned: look-ups by name
// or address do not find it, but its number stays taken until control/derive.h has finished it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "control/dataplane.h"
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

  // A transaction that is committed is in it, however far it was carried out.
  static Result<Configuration> load(Dataplane& dataplane);

  // By number, also what is removing. Null: none such.
  [[nodiscard]] Service* service(uint32_t number);
  [[nodiscard]] const Policy* policy(uint32_t service) const;
  // Not what is removing. Null: none such.
  [[nodiscard]] Service* service_with_name(const std::string& name);
  [[nodiscard]] Service* service_with_endpoint(const Endpoint& endpoint);
  [[nodiscard]] Backend* backend_at(uint32_t service, const HostPort& at);
  [[nodiscard]] size_t backends_of(uint32_t service) const;
  [[nodiscard]] const Filter* filter(uint32_t service, const Prefix& prefix) const;
  [[nodiscard]] ClientWeight* weight(uint32_t service, const Prefix& prefix);

  // A policy that limits nothing is erased.
  void set_policy(uint32_t service, const Policy& policy);

  // As it is once these are written.
  void take(const Writes& writes);

  void purge_backend(uint32_t number);
  void purge_service(uint32_t number);  // and all that it has
};

// Of a service that is there, or the error that says which are.
Result<Service*> find_service(Configuration& configuration, const std::string& name);
Result<Backend*> find_backend(Configuration& configuration, const Service& service,
                              const HostPort& at);

// "backend 10.0.0.11:8443 of web", as every sentence about it starts.
[[nodiscard]] std::string backend_text(const Service& service, const HostPort& at);

}  // namespace sluice
