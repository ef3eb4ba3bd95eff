// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/edit/edit.h"
#include "control/service_checks.h"

namespace sluice::edit {

namespace {

template <typename Matches>
size_t erase_filters(Configuration& configuration, uint32_t service, Matches matches) {
  return std::erase_if(configuration.filters, [&](const Filter& filter) {
    return !filter.removing && filter.service == service && matches(filter);
  });
}

}  // namespace

Result<Outcome> filter_add(Configuration& configuration, const std::string& name,
                           const Prefix& prefix, FilterAction action, uint32_t capacity) {
  const Service& service = *TRY(find_service(configuration, name));
  const std::string what = filter_text(service, prefix);
  TRY(check_filter(service, prefix));
  if (const Filter* same = configuration.filter(service.number, prefix)) {
    if (same->action == action) return Outcome{.unchanged = what + ": is already so"};
    return misused("{}: is there already, to {}; change it with: sluice filter remove {} {}", what,
                   filter_action_text(same->action), name, prefix.text());
  }
  if (configuration.filters.size() >= capacity) {
    return failed("filters: {} of {} are in use; remove some", configuration.filters.size(),
                  capacity);
  }
  configuration.filters.push_back({.service = service.number, .prefix = prefix, .action = action});
  return Outcome{};
}

Result<Outcome> filter_remove(Configuration& configuration, const std::string& name,
                              const Prefix& prefix) {
  const Service& service = *TRY(find_service(configuration, name));
  const size_t erased = erase_filters(
      configuration, service.number, [&](const Filter& filter) { return filter.prefix == prefix; });
  if (erased > 0) return Outcome{};
  return misused("{}: no such filter; see: sluice filter list {}", filter_text(service, prefix),
                 name);
}

Result<Outcome> filter_clear(Configuration& configuration, const std::string& name) {
  const Service& service = *TRY(find_service(configuration, name));
  erase_filters(configuration, service.number, [](const Filter&) { return true; });
  return Outcome{.unchanged = fmt::format("filters of {}: there are none", name),
                 .summary = fmt::format("filters of {}: cleared", name)};
}

}  // namespace sluice::edit
