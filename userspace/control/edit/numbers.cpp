// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/edit/numbers.h"

#include <algorithm>

namespace sluice {

Result<uint32_t> Numbers::service(const std::string& name) {
  if (!services_taken_) {
    services_taken_.emplace();
    for (const Service& service : running_.services) services_taken_->insert(service.number);
  }
  while (services_taken_->contains(next_service_)) next_service_++;
  if (next_service_ <= capacities_.services) return next_service_++;
  return failed(
      "services: {} of {} are in use, which leaves no room for {}; remove some first, or make an "
      "instance with more",
      running_.services.size(), capacities_.services, name);
}

Result<uint32_t> Numbers::backend(const Service& service, const HostPort& at) {
  if (!backends_) rank_backends();
  if (next_backend_ < backends_->size()) return (*backends_)[next_backend_++];
  return failed(
      "backends: {} of {} are in use, which leaves no room for {}; remove some first, or make an "
      "instance with more",
      running_.backends.size(), capacities_.backends, backend_text(service, at));
}

void Numbers::rank_backends() {
  std::vector<bool> taken(size_t{capacities_.backends} + 1, false);
  for (const Backend& backend : running_.backends)
    if (backend.number <= capacities_.backends) taken[backend.number] = true;
  backends_.emplace();
  for (uint32_t number = 1; number <= capacities_.backends; number++)
    if (!taken[number]) backends_->push_back(number);
  const auto freed_at = [&](uint32_t number) {
    return number < freed_.size() ? freed_[number] : 0;
  };
  std::stable_sort(backends_->begin(), backends_->end(),
                   [&](uint32_t a, uint32_t b) { return freed_at(a) < freed_at(b); });
}

}  // namespace sluice
