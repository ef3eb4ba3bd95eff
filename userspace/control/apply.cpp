// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/apply.h"

#include <set>

#include "control/backend_checks.h"
#include "control/commit.h"
#include "control/plan.h"
#include "control/recover.h"
#include "sluice/instance.h"

namespace sluice {

namespace {

Error at(const Mark& mark, const Error& error) {
  if (mark.line == 0) return error;
  return {error.kind, fmt::format("line {}: {}", mark.line, error.text)};
}

// What only the kernel knows of new backends. Replies of snat come to the address that the kernel
// would send from, which the service table has to know.
Result<void> find_routes(Dataplane& dataplane, Plan& plan) {
  std::set<Address> sources;
  for (const Plan::NewBackend& added : plan.added) {
    auto route = dataplane.route_towards(added.backend.at.address);
    if (!route) {
      return tl::unexpected(at(
          added.mark, {route.error().kind,
                       backend_text(added.service, added.backend.at) + ": " + route.error().text}));
    }
    if (auto valid = check_route(added.service, added.backend.at, *route); !valid)
      return tl::unexpected(at(added.mark, valid.error()));
    plan.dirty.sources.emplace(added.backend.number, route->source);
    if (added.service.mode == Mode::snat) sources.insert(route->source);
  }
  for (const Address& source : sources) {
    if (plan.dirty.table) break;
    auto known = TRY(dataplane.knows_replies_to(source));
    plan.dirty.table = !known;
  }
  return {};
}

Result<void> carry_out(Dataplane& dataplane, Configuration& running, const Plan& plan) {
  TRY(dataplane.put_journal(plan.writes));
  // The commit.
  TRY(dataplane.set_pending(SLUICE_PENDING_JOURNAL));
  running.take(plan.writes);
  auto done = finish_writes(dataplane, plan.writes, running, plan.services, plan.dirty);
  if (done) done = dataplane.set_pending(0);
  if (!done) return tl::unexpected(unfinished(done.error()));
  return {};
}

}  // namespace

Result<std::vector<std::string>> apply_services(Dataplane& dataplane,
                                                const std::vector<DesiredService>& desired,
                                                Apply apply) {
  auto running = TRY(begin_change(dataplane, apply));
  auto freed = TRY(dataplane.backends_freed());
  auto plan = TRY(plan_services(desired, running, dataplane.capacities(), freed));
  TRY(find_routes(dataplane, plan));
  if (plan.writes.empty() || apply == Apply::only_show) return std::move(plan.sentences);
  TRY(carry_out(dataplane, running, plan));
  return std::move(plan.sentences);
}

}  // namespace sluice
