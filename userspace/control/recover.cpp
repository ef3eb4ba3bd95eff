// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/recover.h"

#include <set>

#include "control/commit.h"
#include "control/settle.h"
#include "sluice/instance.h"

namespace sluice {

namespace {

// The services of a committed transaction.
std::vector<uint32_t> services_of(const Writes& writes) {
  std::set<uint32_t> numbers;
  for (const Service& service : writes.services) numbers.insert(service.number);
  for (const Backend& backend : writes.backends) numbers.insert(backend.service);
  for (const auto& [service, policy] : writes.policies) numbers.insert(service);
  for (const Filter& filter : writes.filters) numbers.insert(filter.service);
  for (const ClientWeight& weight : writes.weights) numbers.insert(weight.service);
  return {numbers.begin(), numbers.end()};
}

Result<void> finish_transaction(Dataplane dataplane) {
  auto journal = TRY(dataplane.configuration.journal());
  if (!journal) return {};  // all of it was carried out
  auto configuration = TRY(Configuration::load(dataplane.configuration));
  return finish_writes(dataplane, *journal, configuration, services_of(*journal),
                       DirtySet::everything());
}

}  // namespace

Result<bool> recover(Dataplane dataplane) {
  auto pending = TRY(dataplane.configuration.pending());
  if (pending == 0) return false;

  TRY(pending == SLUICE_PENDING_JOURNAL ? finish_transaction(dataplane)
                                        : derive(dataplane, pending));
  TRY(dataplane.configuration.set_pending(0));
  return true;
}

Result<void> derive(Dataplane dataplane, uint32_t service) {
  auto configuration = TRY(Configuration::load(dataplane.configuration));
  std::vector<uint32_t> numbers{service};
  if (service == SLUICE_PENDING_ALL) {
    numbers.clear();
    for (const Service& each : configuration.services) numbers.push_back(each.number);
  }
  if (auto done = derive_services(dataplane, configuration, numbers, DirtySet::everything()); !done)
    return done;
  // A sweep that was killed after its swap leaves these.
  TRY(purge_settled_flows(dataplane.packet_path, configuration, numbers));
  return {};
}

}  // namespace sluice
