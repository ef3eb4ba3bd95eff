// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/backend_checks.h"
#include "control/edit/edit.h"
#include "sluice/limits.h"

namespace sluice::edit {

namespace {

Result<void> check_weight(const std::string& what, uint32_t weight) {
  if (weight > SLUICE_WEIGHT_MAX) {
    return misused("{}: weight {}: a weight is 0 to {}", what, weight, SLUICE_WEIGHT_MAX);
  }
  return {};
}

}  // namespace

Result<Outcome> backend_add(Configuration& configuration, const std::string& name,
                            const HostPort& at, uint32_t weight, Numbers& numbers) {
  const Service& service = *TRY(find_service(configuration, name));
  const std::string what = backend_text(service, at);
  TRY(check_backend(configuration, service, at));
  TRY(check_weight(what, weight));

  const Backend* const same = configuration.backend_at(service.number, at);
  if (same == nullptr) {
    const uint32_t number = TRY(numbers.backend(service, at));
    configuration.backends.push_back(
        {.service = service.number, .at = at, .number = number, .weight = weight});
    return Outcome{};
  }
  if (same->weight != weight) {
    return misused(
        "{}: is there already, with weight {}; change it with: sluice backend set {} {} --weight "
        "{}",
        what, same->weight, name, at.text(), weight);
  }
  std::string sentence = what + ": is already so";
  if (same->state != BackendState::up)
    sentence += fmt::format(", and {}", backend_state_text(same->state));
  return Outcome{.unchanged = std::move(sentence)};
}

Result<Outcome> backend_set(Configuration& configuration, const std::string& name,
                            const HostPort& at, const BackendPatch& patch) {
  const Service& service = *TRY(find_service(configuration, name));
  Backend& backend = *TRY(find_backend(configuration, service, at));
  const std::string what = backend_text(service, at);
  if (!patch.weight && !patch.state) {
    return misused("{}: nothing to set; say a weight or a state", what);
  }
  TRY(check_weight(what, patch.weight.value_or(0)));
  backend.weight = patch.weight.value_or(backend.weight);
  backend.state = patch.state.value_or(backend.state);
  if (patch.state == BackendState::up) backend.failing = false;
  return Outcome{.unchanged = what + ": is already so"};
}

Result<Outcome> backend_remove(Configuration& configuration, const std::string& name,
                               const HostPort& at) {
  const Service& service = *TRY(find_service(configuration, name));
  const Backend& backend = *TRY(find_backend(configuration, service, at));
  configuration.purge_backend(backend.number);
  return Outcome{};
}

}  // namespace sluice::edit
