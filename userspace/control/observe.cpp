// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/observe.h"

#include <set>

#include "control/commit.h"
#include "sluice/instance.h"

namespace sluice {

namespace {

// What the observation changes of the backend, which it does; empty: nothing.
std::string take(Backend& backend, const Observation& observation) {
  std::string text;
  if (observation.failing && *observation.failing != backend.failing) {
    backend.failing = *observation.failing;
    text = backend.failing ? "failing" : "healthy";
  }
  if (observation.adapted_permille && *observation.adapted_permille != backend.adapted_permille) {
    backend.adapted_permille = *observation.adapted_permille;
    const char* const separator = text.empty() ? "" : ", ";
    text += backend.adapted_permille == 0
                ? fmt::format("{}its whole weight", separator)
                : fmt::format("{}{} permille of its weight", separator, backend.adapted_permille);
  }
  return text;
}

struct Observed {
  std::vector<const Backend*> backends;
  std::set<uint32_t> services;
  std::vector<std::string> sentences;
};

Observed take_all(Configuration& configuration, const std::vector<Observation>& observations) {
  Observed observed;
  for (const Observation& observation : observations) {
    const Service* service = configuration.service_with_name(observation.service);
    if (!service) continue;
    Backend* backend = configuration.backend_at(service->number, observation.backend);
    if (!backend) continue;
    const std::string text = take(*backend, observation);
    if (text.empty()) continue;
    observed.backends.push_back(backend);
    observed.services.insert(service->number);
    observed.sentences.push_back(backend_text(*service, backend->at) + ": " + text);
  }
  return observed;
}

}  // namespace

Result<std::vector<std::string>> backends_observe(Dataplane& dataplane,
                                                  const std::vector<Observation>& observations) {
  auto configuration = TRY(begin_change(dataplane, Apply::perform));
  Observed observed = take_all(configuration, observations);
  if (observed.backends.empty()) return observed.sentences;

  const std::vector<uint32_t> services(observed.services.begin(), observed.services.end());
  const uint32_t pending = services.size() == 1 ? services.front() : SLUICE_PENDING_ALL;
  TRY(dataplane.set_pending(pending));
  for (const Backend* backend : observed.backends) {
    if (auto done = dataplane.put_backend(*backend); !done) {
      return tl::unexpected(unfinished(done.error()));
    }
  }
  DirtySet dirty{.endpoints = false, .table = false, .timeouts = false};
  dirty.only_backends.emplace();
  for (const Backend* backend : observed.backends) dirty.only_backends->push_back(backend->number);
  auto done = derive_services(dataplane, configuration, services, dirty);
  if (done) done = dataplane.set_pending(0);
  if (!done) return tl::unexpected(unfinished(done.error()));
  return observed.sentences;
}

}  // namespace sluice
