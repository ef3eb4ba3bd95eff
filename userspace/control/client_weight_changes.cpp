// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Weights of clients: set, removed. Each is one entry of a map that the packet path reads where it
// is kept, and nothing derives from it.
#include "control/commit.h"
#include "control/service_checks.h"

namespace sluice {

namespace {

const DirtySet nothing_dirty{
    .records = false, .endpoints = false, .table = false, .rings = false, .timeouts = false};

}  // namespace

Result<Change> client_weight_set(Dataplane& dataplane, const std::string& name,
                                 const Prefix& prefix, uint32_t weight, Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto service = TRY(find_service(configuration, name));
  const std::string what = client_weight_text(*service, prefix);
  TRY(check_client_weight(*service, prefix));
  const ClientWeight* current = configuration.weight(service->number, prefix);
  if (current != nullptr && current->weight == weight) {
    return Change{false, fmt::format("{}: is {} already", what, weight)};
  }
  const uint32_t capacity = dataplane.capacities().client_weights;
  if (current == nullptr && configuration.weights.size() >= capacity) {
    return failed("weights of clients: {} of {} are in use; remove some",
                  configuration.weights.size(), capacity);
  }

  const Change change{true, fmt::format("{}: {}", what, weight)};
  if (apply == Apply::only_show) return change;
  const ClientWeight wanted{service->number, prefix, weight};
  auto done = carry_out(
      dataplane, configuration, wanted.service, [&] { return dataplane.put_client_weight(wanted); },
      nothing_dirty);
  if (!done) return tl::unexpected(done.error());
  return change;
}

Result<Change> client_weight_remove(Dataplane& dataplane, const std::string& name,
                                    const Prefix& prefix, Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto service = TRY(find_service(configuration, name));
  const std::string what = client_weight_text(*service, prefix);
  const ClientWeight* current = configuration.weight(service->number, prefix);
  if (current == nullptr) {
    return misused("{}: there is none; see: sluice client-weight list {}", what, name);
  }
  const Change change{true, what + ": removed"};
  if (apply == Apply::only_show) return change;
  const ClientWeight leaving = *current;
  auto done = carry_out(
      dataplane, configuration, leaving.service,
      [&] { return dataplane.erase_client_weight(leaving); }, nothing_dirty);
  if (!done) return tl::unexpected(done.error());
  return change;
}

}  // namespace sluice
