// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/commit.h"

#include <algorithm>
#include <set>

#include "control/backend_checks.h"
#include "control/recover.h"
#include "sluice/instance.h"

namespace sluice {

namespace {

Error at_line(const BackendLines& lines, uint32_t backend, const Error& error) {
  const auto found = lines.find(backend);
  if (found == lines.end()) return error;
  return {error.kind, fmt::format("line {}: {}", found->second, error.text)};
}

Result<Address> find_route(PacketPath& packet_path, const NewBackend& added) {
  auto route = packet_path.route_towards(added.backend.at.address);
  if (!route) {
    return tl::unexpected(Error{route.error().kind, backend_text(added.service, added.backend.at) +
                                                        ": " + route.error().text});
  }
  TRY(check_route(added.service, added.backend.at, *route));
  return route->source;
}

// Replies of mode snat come to the address that the kernel would send from, which the service table
// has to know.
Result<void> find_routes(PacketPath& packet_path, Difference& changes, const BackendLines& lines) {
  std::set<Address> sources;
  for (const NewBackend& added : changes.added) {
    const uint32_t number = added.backend.number;
    auto source = find_route(packet_path, added);
    if (!source) return tl::unexpected(at_line(lines, number, source.error()));
    changes.dirty.sources.emplace(number, *source);
    if (traits(added.service.mode).keeps_translations) sources.insert(*source);
  }
  for (const Address& source : sources) {
    if (changes.dirty.table) break;
    changes.dirty.table = !TRY(packet_path.knows_replies_to(source));
  }
  return {};
}

Error unfinished(const Error& error) {
  return {error.kind, error.text +
                          "; the change is in the configuration, and the next sluice command that "
                          "changes something finishes it"};
}

// One word commits everything that the journal holds.
Result<void> commit_journal(Dataplane dataplane, Configuration& configuration,
                            const Difference& changes) {
  TRY(dataplane.configuration.put_journal(changes.writes));
  return announce(
      dataplane.configuration, SLUICE_PENDING_JOURNAL, [] { return Result<void>{}; },
      [&] {
        return finish_writes(dataplane, changes.writes, configuration, changes.services,
                             changes.dirty);
      });
}

Result<void> commit_one(Dataplane dataplane, Configuration& configuration,
                        const Difference& changes) {
  return announce(
      dataplane.configuration, changes.services.front(),
      [&] { return dataplane.configuration.write_all(changes.writes); },
      [&] { return derive_services(dataplane, configuration, changes.services, changes.dirty); });
}

}  // namespace

Result<Configuration> begin_change(Dataplane dataplane, Apply apply) {
  if (apply == Apply::perform) TRY(recover(dataplane));
  return Configuration::load(dataplane.configuration);
}

Result<Configuration> begin_backend_change(Dataplane dataplane, const std::string& service,
                                           Apply apply) {
  if (apply == Apply::perform) TRY(recover(dataplane));
  return Configuration::load_backends_of(dataplane.configuration, service);
}

Result<std::vector<std::string>> carry_out(Dataplane dataplane, Configuration before,
                                           const Configuration& after, Apply apply, Cause cause,
                                           const BackendLines& lines) {
  Difference changes = difference(before, after, cause);
  TRY(find_routes(dataplane.packet_path, changes, lines));
  if (changes.empty() || apply == Apply::only_show) return std::move(changes.sentences);
  before.take(changes.writes);
  TRY(changes.needs_journal ? commit_journal(dataplane, before, changes)
                            : commit_one(dataplane, before, changes));
  return std::move(changes.sentences);
}

Result<void> announce(ConfigurationStore& store, uint32_t pending, const Step& commit,
                      const Step& derive) {
  TRY(store.set_pending(pending));
  if (auto done = commit(); !done) {
    // Best effort: an announcement that stays makes the next command look, and find nothing.
    (void)store.set_pending(0);
    return done;
  }
  auto done = derive();
  if (done) done = store.set_pending(0);
  if (!done) return tl::unexpected(unfinished(done.error()));
  return {};
}

// A filter that denies may replace one that allows. While the service table still says
// that the service admits only what a filter allows, that could shut out every client: so it is
// written after the table.
Result<void> finish_writes(Dataplane dataplane, const Writes& writes, Configuration& configuration,
                           const std::vector<uint32_t>& services, const DirtySet& dirty) {
  Writes first = writes;
  const auto denies = std::stable_partition(
      first.filters.begin(), first.filters.end(),
      [](const Filter& filter) { return filter.removing || filter.action == FilterAction::allow; });
  const std::vector<Filter> last(denies, first.filters.end());
  first.filters.erase(denies, first.filters.end());
  TRY(dataplane.configuration.write_all(first));
  TRY(derive_services(dataplane, configuration, services, dirty));
  if (!last.empty()) {
    TRY(dataplane.configuration.write_all({.filters = last}));
  }
  return dataplane.configuration.erase_journal();
}

}  // namespace sluice
