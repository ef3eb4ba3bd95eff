// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Filters: added, removed, cleared. Each is one entry that the packet path reads where it is kept,
// or one call that marks all that go. What derives from them is whether the service looks there at
// all, and what it does with those whom no entry names. The order never shuts out whom the change
// is not about: an entry is there before the table asks for it, and stays until the table no longer
// does.
#include <algorithm>

#include "control/commit.h"
#include "control/service_checks.h"

namespace sluice {

namespace {

struct Kinds {
  bool any = false;
  bool allowing = false;

  friend bool operator==(const Kinds&, const Kinds&) = default;
};

Kinds kinds_of(const Configuration& configuration, uint32_t service) {
  Kinds kinds;
  for (const Filter& filter : configuration.filters) {
    if (filter.removing || filter.service != service) continue;
    kinds.any = true;
    kinds.allowing = kinds.allowing || filter.action == FilterAction::allow;
  }
  return kinds;
}

Result<void> replace_filters(Dataplane& dataplane, Configuration& configuration, uint32_t service,
                             const std::vector<Filter>& put, const Kinds& before) {
  return carry_out(
      dataplane, configuration, service, [&] { return dataplane.put_filters(put); },
      DirtySet{.records = false,
               .endpoints = false,
               .table = !(kinds_of(configuration, service) == before),
               .rings = false});
}

// Marks all of the service's filters for which `goes` holds; false: there was none.
template <typename Goes>
Result<bool> remove_filters(Dataplane& dataplane, Configuration& configuration, uint32_t service,
                            Apply apply, Goes goes) {
  const Kinds before = kinds_of(configuration, service);
  std::vector<Filter> marked;
  for (Filter& filter : configuration.filters) {
    if (filter.removing || filter.service != service || !goes(filter)) continue;
    filter.removing = true;
    marked.push_back(filter);
  }
  if (marked.empty() || apply == Apply::only_show) return !marked.empty();
  TRY(replace_filters(dataplane, configuration, service, marked, before));
  return true;
}

}  // namespace

Result<Change> filter_add(Dataplane& dataplane, const std::string& name, const Prefix& prefix,
                          FilterAction action, Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto service = TRY(find_service(configuration, name));
  const std::string what = filter_text(*service, prefix);
  TRY(check_filter(*service, prefix));
  if (const Filter* same = configuration.filter(service->number, prefix)) {
    if (same->action == action) return Change{false, what + ": is already so"};
    return misused("{}: is there already, to {}; change it with: sluice filter remove {} {}", what,
                   filter_action_text(same->action), name, prefix.text());
  }
  const uint32_t capacity = dataplane.capacities().filters;
  if (configuration.filters.size() >= capacity) {
    return failed("filters: {} of {} are in use; remove some", configuration.filters.size(),
                  capacity);
  }

  const Change change{
      true, fmt::format("{}: {}", what, action == FilterAction::allow ? "allowed" : "denied")};
  if (apply == Apply::only_show) return change;
  const uint32_t number = service->number;
  const Kinds before = kinds_of(configuration, number);
  const Filter filter{.service = number, .prefix = prefix, .action = action};
  configuration.filters.push_back(filter);
  TRY(replace_filters(dataplane, configuration, number, {filter}, before));
  return change;
}

Result<Change> filter_remove(Dataplane& dataplane, const std::string& name, const Prefix& prefix,
                             Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto service = TRY(find_service(configuration, name));
  const std::string what = filter_text(*service, prefix);
  auto removed = remove_filters(dataplane, configuration, service->number, apply,
                                [&](const Filter& filter) { return filter.prefix == prefix; });
  if (!removed) return tl::unexpected(removed.error());
  if (!*removed) {
    return misused("{}: no such filter; see: sluice filter list {}", what, name);
  }
  return Change{true, what + ": removed"};
}

Result<Change> filter_clear(Dataplane& dataplane, const std::string& name, Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto service = TRY(find_service(configuration, name));
  auto removed = remove_filters(dataplane, configuration, service->number, apply,
                                [](const Filter&) { return true; });
  if (!removed) return tl::unexpected(removed.error());
  if (!*removed) return Change{false, fmt::format("filters of {}: there are none", name)};
  return Change{true, fmt::format("filters of {}: cleared", name)};
}

}  // namespace sluice
