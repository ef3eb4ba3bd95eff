// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Every change takes one road: the configuration is read, edited (control/edit/edit.h), and the
// difference is carried out or shown (control/commit.h).
#include "control/changes.h"

#include <fmt/ranges.h>

#include "control/apply.h"
#include "control/commit.h"
#include "control/edit/edit.h"
#include "control/observe.h"

namespace sluice {

namespace {

// `edit`: Result<edit::Outcome>(Configuration&).
template <typename Edit>
Result<Change> change_of(Dataplane dataplane, Configuration before, Apply apply, Edit edit) {
  Configuration after = before;
  edit::Outcome outcome = TRY(edit(after));
  const auto sentences = TRY(carry_out(dataplane, std::move(before), after, apply));
  if (sentences.empty()) return Change{false, std::move(outcome.unchanged)};
  if (!outcome.summary.empty()) return Change{true, std::move(outcome.summary)};
  return Change{true, fmt::format("{}", fmt::join(sentences, "; "))};
}

template <typename Edit>
Result<Change> change(Dataplane dataplane, Apply apply, Edit edit) {
  return change_of(dataplane, TRY(begin_change(dataplane, apply)), apply, edit);
}

}  // namespace

Result<Change> service_add(Dataplane dataplane, const std::string& name, const Endpoint& endpoint,
                           const ServicePatch& patch, Apply apply) {
  const Service service = TRY(edit::new_service(name, endpoint, patch));
  const Capacities capacities = dataplane.configuration.capacities();
  return change(dataplane, apply, [&](Configuration& configuration) {
    const std::vector<uint64_t> no_backends;
    Numbers numbers(configuration, capacities, no_backends);
    return edit::service_add(configuration, service, numbers);
  });
}

Result<Change> service_set(Dataplane dataplane, const std::string& name, const ServicePatch& patch,
                           Apply apply) {
  return change(dataplane, apply, [&](Configuration& configuration) {
    return edit::service_set(configuration, name, patch);
  });
}

Result<Change> service_remove(Dataplane dataplane, const std::string& name, Apply apply) {
  return change(dataplane, apply, [&](Configuration& configuration) {
    return edit::service_remove(configuration, name);
  });
}

Result<Change> backend_add(Dataplane dataplane, const std::string& service, const HostPort& at,
                           uint32_t weight, Apply apply) {
  const Capacities capacities = dataplane.configuration.capacities();
  return change(dataplane, apply, [&](Configuration& configuration) -> Result<edit::Outcome> {
    const auto freed = TRY(dataplane.packet_path.backends_freed());
    Numbers numbers(configuration, capacities, freed);
    return edit::backend_add(configuration, service, at, weight, numbers);
  });
}

Result<Change> backend_set(Dataplane dataplane, const std::string& service, const HostPort& at,
                           const BackendPatch& patch, Apply apply) {
  Configuration before = TRY(begin_backend_change(dataplane, service, apply));
  return change_of(dataplane, std::move(before), apply, [&](Configuration& configuration) {
    return edit::backend_set(configuration, service, at, patch);
  });
}

Result<Change> backend_remove(Dataplane dataplane, const std::string& service, const HostPort& at,
                              Apply apply) {
  return change(dataplane, apply, [&](Configuration& configuration) {
    return edit::backend_remove(configuration, service, at);
  });
}

Result<Change> policy_set(Dataplane dataplane, const std::string& service, const PolicyPatch& patch,
                          Apply apply) {
  return change(dataplane, apply, [&](Configuration& configuration) {
    return edit::policy_set(configuration, service, patch);
  });
}

Result<Change> policy_clear(Dataplane dataplane, const std::string& service, Apply apply) {
  return change(dataplane, apply, [&](Configuration& configuration) {
    return edit::policy_clear(configuration, service);
  });
}

Result<Change> client_weight_set(Dataplane dataplane, const std::string& service,
                                 const Prefix& prefix, uint32_t weight, Apply apply) {
  const uint32_t capacity = dataplane.configuration.capacities().client_weights;
  return change(dataplane, apply, [&](Configuration& configuration) {
    return edit::client_weight_set(configuration, service, prefix, weight, capacity);
  });
}

Result<Change> client_weight_remove(Dataplane dataplane, const std::string& service,
                                    const Prefix& prefix, Apply apply) {
  return change(dataplane, apply, [&](Configuration& configuration) {
    return edit::client_weight_remove(configuration, service, prefix);
  });
}

Result<Change> filter_add(Dataplane dataplane, const std::string& service, const Prefix& prefix,
                          FilterAction action, Apply apply) {
  const uint32_t capacity = dataplane.configuration.capacities().filters;
  return change(dataplane, apply, [&](Configuration& configuration) {
    return edit::filter_add(configuration, service, prefix, action, capacity);
  });
}

Result<Change> filter_remove(Dataplane dataplane, const std::string& service, const Prefix& prefix,
                             Apply apply) {
  return change(dataplane, apply, [&](Configuration& configuration) {
    return edit::filter_remove(configuration, service, prefix);
  });
}

Result<Change> filter_clear(Dataplane dataplane, const std::string& service, Apply apply) {
  return change(dataplane, apply, [&](Configuration& configuration) {
    return edit::filter_clear(configuration, service);
  });
}

Result<std::vector<std::string>> backends_observe(Dataplane dataplane,
                                                  const std::vector<Observation>& observations) {
  Configuration before = TRY(begin_change(dataplane, Apply::perform));
  Configuration after = before;
  edit::observe(after, observations);
  return carry_out(dataplane, std::move(before), after, Apply::perform, Cause::observation);
}

Result<std::vector<std::string>> apply_services(Dataplane dataplane,
                                                const std::vector<DesiredService>& desired,
                                                Apply apply) {
  Configuration before = TRY(begin_change(dataplane, apply));
  const auto freed = TRY(dataplane.packet_path.backends_freed());
  const Capacities capacities = dataplane.configuration.capacities();
  Numbers numbers(before, capacities, freed);
  Configuration after = before;
  const BackendLines lines = TRY(edit::desired_services(after, desired, capacities, numbers));
  return carry_out(dataplane, std::move(before), after, apply, Cause::request, lines);
}

}  // namespace sluice
