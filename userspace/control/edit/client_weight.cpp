// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/edit/edit.h"
#include "control/service_checks.h"

namespace sluice::edit {

Result<Outcome> client_weight_set(Configuration& configuration, const std::string& name,
                                  const Prefix& prefix, uint32_t weight, uint32_t capacity) {
  const Service& service = *TRY(find_service(configuration, name));
  TRY(check_client_weight(service, prefix));
  Outcome outcome{
      .unchanged = fmt::format("{}: is {} already", client_weight_text(service, prefix), weight)};
  if (ClientWeight* const current = configuration.weight(service.number, prefix)) {
    current->weight = weight;
    return outcome;
  }
  if (configuration.weights.size() >= capacity) {
    return failed("weights of clients: {} of {} are in use; remove some",
                  configuration.weights.size(), capacity);
  }
  configuration.weights.push_back({service.number, prefix, weight});
  return outcome;
}

Result<Outcome> client_weight_remove(Configuration& configuration, const std::string& name,
                                     const Prefix& prefix) {
  const Service& service = *TRY(find_service(configuration, name));
  const size_t erased = std::erase_if(configuration.weights, [&](const ClientWeight& weight) {
    return weight.service == service.number && weight.prefix == prefix;
  });
  if (erased > 0) return Outcome{};
  return misused("{}: there is none; see: sluice client-weight list {}",
                 client_weight_text(service, prefix), name);
}

}  // namespace sluice::edit
