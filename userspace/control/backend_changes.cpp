// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Backends: added, set (which is also how they drain), removed.
#include "control/backend_checks.h"
#include "control/commit.h"
#include "sluice/limits.h"

namespace sluice {

namespace {

Result<void> check_weight(const std::string& what, uint32_t weight) {
  if (weight > SLUICE_WEIGHT_MAX) {
    return misused("{}: weight {}: a weight is 0 to {}", what, weight, SLUICE_WEIGHT_MAX);
  }
  return {};
}

// "weight 50, draining": of `backend` what the patch changes.
std::string differences(const Backend& backend, const BackendPatch& patch) {
  std::string text;
  if (patch.weight && *patch.weight != backend.weight)
    text = fmt::format("weight {}", *patch.weight);
  if (patch.state && *patch.state != backend.state) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", backend_state_text(*patch.state));
  }
  if (patch.state == BackendState::up && backend.failing) {
    text += fmt::format("{}no longer failing", text.empty() ? "" : ", ");
  }
  return text;
}

}  // namespace

Result<Change> backend_add(Dataplane& dataplane, const std::string& name, const HostPort& at,
                           uint32_t weight, Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto found = TRY(find_service(configuration, name));
  const Service& service = *found;
  const std::string what = backend_text(service, at);
  TRY(check_backend(configuration, service, at));
  TRY(check_weight(what, weight));

  if (const Backend* same = configuration.backend_at(service.number, at)) {
    if (same->weight != weight) {
      return misused(
          "{}: is there already, with weight {}; change it with: sluice backend set {} "
          "{} --weight {}",
          what, same->weight, name, at.text(), weight);
    }
    std::string sentence = what + ": is already so";
    if (same->state != BackendState::up) {
      sentence += fmt::format(", and {}", backend_state_text(same->state));
    }
    return Change{false, sentence};
  }
  const uint32_t capacity = dataplane.capacities().backends;
  auto freed = TRY(dataplane.backends_freed());
  const uint32_t number = configuration.free_backend_number(capacity, freed);
  if (number == 0) {
    return failed("backends: {} of {} are in use; remove some, or make an instance with more",
                  configuration.backends.size(), capacity);
  }
  auto route = dataplane.route_towards(at.address);
  if (!route) {
    return tl::unexpected(Error{route.error().kind, what + ": " + route.error().text});
  }
  TRY(check_route(service, at, *route));
  bool tabled = service.mode == Mode::nat;
  if (service.mode == Mode::snat) {
    auto known = TRY(dataplane.knows_replies_to(route->source));
    tabled = !known;
  }

  const Change change{true, fmt::format("{}: added, weight {}", what, weight)};
  if (apply == Apply::only_show) return change;
  const Backend backend{.service = service.number, .at = at, .number = number, .weight = weight};
  configuration.backends.push_back(backend);
  auto done = carry_out(
      dataplane, configuration, service.number, [&] { return dataplane.put_backend(backend); },
      DirtySet{.table = tabled,
               .timeouts = false,
               .only_backends = {{number}},
               .sources = {{number, route->source}}});
  if (!done) return tl::unexpected(done.error());
  return change;
}

Result<Change> backend_set(Dataplane& dataplane, const std::string& name, const HostPort& at,
                           const BackendPatch& patch, Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto service = TRY(find_service(configuration, name));
  auto backend = TRY(find_backend(configuration, *service, at));
  const std::string what = backend_text(*service, at);
  if (!patch.weight && !patch.state) {
    return misused("{}: nothing to set; say a weight or a state", what);
  }
  TRY(check_weight(what, patch.weight.value_or(0)));

  const std::string changed = differences(*backend, patch);
  if (changed.empty()) return Change{false, what + ": is already so"};
  const Change change{true, what + ": " + changed};
  if (apply == Apply::only_show) return change;
  backend->weight = patch.weight.value_or(backend->weight);
  backend->state = patch.state.value_or(backend->state);
  if (patch.state == BackendState::up) backend->failing = false;
  auto done = carry_out(
      dataplane, configuration, service->number, [&] { return dataplane.put_backend(*backend); },
      DirtySet{.endpoints = false,
               .table = false,
               .timeouts = false,
               .only_backends = {{backend->number}}});
  if (!done) return tl::unexpected(done.error());
  return change;
}

Result<Change> backend_remove(Dataplane& dataplane, const std::string& name, const HostPort& at,
                              Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto service = TRY(find_service(configuration, name));
  auto backend = TRY(find_backend(configuration, *service, at));

  const Change change{true, backend_text(*service, at) + ": removed"};
  if (apply == Apply::only_show) return change;
  backend->removing = true;
  auto done = carry_out(
      dataplane, configuration, service->number, [&] { return dataplane.put_backend(*backend); },
      DirtySet{.endpoints = false,
               .table = false,
               .timeouts = false,
               .only_backends = {{backend->number}}});
  if (!done) return tl::unexpected(done.error());
  return change;
}

}  // namespace sluice
