// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/difference.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "control/sentences.h"
#include "control/service_checks.h"

namespace sluice {

namespace {

// One item that differs. No `before`: it is new. No `after`: it is removed.
template <typename Item>
struct Changed {
  const Item* before = nullptr;
  const Item* after = nullptr;

  [[nodiscard]] const Item& either() const { return after != nullptr ? *after : *before; }
};

using ByNumber = std::unordered_map<uint32_t, size_t>;
using ByPrefix = std::map<std::pair<uint32_t, Prefix>, size_t>;

uint32_t key_of(const Service& service) {
  return service.number;
}
uint32_t key_of(const Backend& backend) {
  return backend.number;
}
uint32_t key_of(const std::pair<uint32_t, Policy>& numbered) {
  return numbered.first;
}
std::pair<uint32_t, Prefix> key_of(const Filter& filter) {
  return {filter.service, filter.prefix};
}
std::pair<uint32_t, Prefix> key_of(const ClientWeight& weight) {
  return {weight.service, weight.prefix};
}

// In the order of `after`, then those that are missing there. What both begin and end with is the
// same in most changes, and is compared without an index.
template <typename Index, typename Item>
std::vector<Changed<Item>> changed(const std::vector<Item>& before,
                                   const std::vector<Item>& after) {
  const size_t shorter = std::min(before.size(), after.size());
  size_t first = 0;
  while (first < shorter && before[first] == after[first]) first++;
  size_t same_end = 0;
  while (same_end < shorter - first &&
         before[before.size() - 1 - same_end] == after[after.size() - 1 - same_end])
    same_end++;

  Index was;
  const size_t before_end = before.size() - same_end;
  for (size_t i = first; i < before_end; i++) was.emplace(key_of(before[i]), i);
  std::vector<Changed<Item>> all;
  std::vector<bool> stays(before_end - first, false);
  for (size_t i = first; i < after.size() - same_end; i++) {
    const auto same = was.find(key_of(after[i]));
    const Item* const item = same == was.end() ? nullptr : &before[same->second];
    if (item != nullptr) stays[same->second - first] = true;
    if (item == nullptr || !(*item == after[i])) all.push_back({item, &after[i]});
  }
  for (size_t i = first; i < before_end; i++)
    if (!stays[i - first]) all.push_back({&before[i], nullptr});
  return all;
}

// What changes of one service.
struct ServiceChanges {
  Changed<Service> service;
  Changed<std::pair<uint32_t, Policy>> policy;
  std::vector<Changed<Filter>> filters;
  std::vector<Changed<ClientWeight>> weights;
  std::vector<Changed<Backend>> backends;
};

class Comparison {
 public:
  Comparison(const Configuration& before, const Configuration& after, Cause cause)
      : before_(before), after_(after), cause_(cause) {}

  Difference run();

 private:
  void collect();
  void compare_service(const Service& service, const ServiceChanges& changes);
  void add_service(const Service& service);
  void set_service(const Service& before, const Service& after);
  void remove_service(const Service& service);
  void write_gone(const Service& service);
  void compare_policy(const Service& service, const Changed<std::pair<uint32_t, Policy>>& policy);
  void compare_filters(const Service& service, const std::vector<Changed<Filter>>& filters);
  void compare_weights(const Service& service, const std::vector<Changed<ClientWeight>>& weights);
  void compare_backend(const Service& service, const Changed<Backend>& backend);
  void add_backend(const Service& service, const Backend& backend);
  [[nodiscard]] std::string backend_changes(const Backend& before, const Backend& after) const;
  void write_backend(const Backend& backend);
  [[nodiscard]] bool journal_needed() const;
  void say(std::string sentence) { result_.sentences.push_back(std::move(sentence)); }

  const Configuration& before_;
  const Configuration& after_;
  Cause cause_;
  std::unordered_map<uint32_t, ServiceChanges> changes_;
  std::unordered_map<std::string, const Service*> replaced_;  // services that go, by name
  std::unordered_set<std::string> replacing_;                 // names of `replaced_` that stay
  std::vector<const Service*> gone_;
  bool filter_reversed_ = false;
  Difference result_;
};

Difference Comparison::run() {
  collect();
  if (changes_.empty() && gone_.empty()) return std::move(result_);
  result_.dirty.only_backends.emplace();
  for (const Service& service : after_.services) {
    const auto found = changes_.find(service.number);
    if (found == changes_.end()) continue;
    result_.services.push_back(service.number);
    compare_service(service, found->second);
  }
  for (const Service* service : gone_) remove_service(*service);
  std::sort(result_.services.begin(), result_.services.end());
  result_.needs_journal = journal_needed();
  return std::move(result_);
}

// What belongs to a service that is removed is removed with it (control/derive.cpp).
void Comparison::collect() {
  std::unordered_set<uint32_t> going;
  for (const Changed<Service>& each : changed<ByNumber>(before_.services, after_.services)) {
    if (each.after != nullptr) {
      changes_[each.after->number].service = each;
      continue;
    }
    going.insert(each.before->number);
    gone_.push_back(each.before);
    replaced_.emplace(each.before->name, each.before);
  }
  const auto add = [&](uint32_t service, auto member, const auto& change) {
    if (!going.contains(service)) (changes_[service].*member).push_back(change);
  };
  for (const auto& each : changed<ByNumber>(before_.policies, after_.policies))
    if (!going.contains(each.either().first)) changes_[each.either().first].policy = each;
  for (const auto& each : changed<ByPrefix>(before_.filters, after_.filters))
    add(each.either().service, &ServiceChanges::filters, each);
  for (const auto& each : changed<ByPrefix>(before_.weights, after_.weights))
    add(each.either().service, &ServiceChanges::weights, each);
  for (const auto& each : changed<ByNumber>(before_.backends, after_.backends))
    add(each.either().service, &ServiceChanges::backends, each);
}

void Comparison::compare_service(const Service& service, const ServiceChanges& changes) {
  const Changed<Service>& own = changes.service;
  if (own.after != nullptr) {
    own.before == nullptr ? add_service(service) : set_service(*own.before, service);
  }
  if (changes.policy.before != nullptr || changes.policy.after != nullptr)
    compare_policy(service, changes.policy);
  if (!changes.filters.empty()) compare_filters(service, changes.filters);
  compare_weights(service, changes.weights);
  for (const Changed<Backend>& backend : changes.backends) compare_backend(service, backend);
}

void Comparison::add_service(const Service& service) {
  const auto replaced = replaced_.find(service.name);
  if (replaced == replaced_.end()) {
    say(fmt::format("service {}: added {}", service.name, service_text(service)));
  } else {
    const Service& old = *replaced->second;
    write_gone(old);
    replacing_.insert(service.name);
    say(fmt::format("service {}: replaced by {}; it was {}, and its connections end", service.name,
                    service_text(service), service_text(old)));
  }
  result_.writes.services.push_back(service);
  DirtySet& dirty = result_.dirty;
  dirty.endpoints = dirty.service_endpoints = dirty.table = true;
}

void Comparison::set_service(const Service& before, const Service& after) {
  say(fmt::format("service {}: {}", after.name, service_options_text(after)));
  result_.writes.services.push_back(after);
  DirtySet& dirty = result_.dirty;
  dirty.table = dirty.rings = true;
  // The time-out is in the ring's lines.
  dirty.timeouts = service_timeout_s(before) != service_timeout_s(after);
}

void Comparison::remove_service(const Service& service) {
  if (replacing_.contains(service.name)) return;
  const size_t backends = before_.backends_of(service.number);
  say(fmt::format(
      "service {}: removed{}", service.name,
      backends == 0 ? "" : fmt::format(", with {} backend{}", backends, backends == 1 ? "" : "s")));
  write_gone(service);
}

void Comparison::write_gone(const Service& service) {
  Service gone = service;
  gone.removing = true;
  result_.writes.services.push_back(gone);
  result_.services.push_back(service.number);
  result_.dirty.table = true;
}

void Comparison::compare_policy(const Service& service,
                                const Changed<std::pair<uint32_t, Policy>>& policy) {
  const Policy before = policy.before != nullptr ? policy.before->second : Policy{};
  const Policy after = policy.after != nullptr ? policy.after->second : Policy{};
  say(fmt::format("policy of {}: {}", service.name,
                  after == Policy{} ? "cleared" : policy_text(after)));
  result_.writes.policies.emplace_back(service.number, after);
  if (policy_flags(before) != policy_flags(after)) result_.dirty.table = true;
}

void Comparison::compare_filters(const Service& service,
                                 const std::vector<Changed<Filter>>& filters) {
  for (const auto& [before, after] : filters) {
    const Filter& filter = after != nullptr ? *after : *before;
    const char* const done = after == nullptr                       ? "removed"
                             : after->action == FilterAction::allow ? "allowed"
                                                                    : "denied";
    say(fmt::format("{}: {}", filter_text(service, filter.prefix), done));
    result_.writes.filters.push_back(filter);
    result_.writes.filters.back().removing = after == nullptr;
    if (before != nullptr && after != nullptr) filter_reversed_ = true;
  }
  if (filter_flags(before_, service.number) != filter_flags(after_, service.number))
    result_.dirty.table = true;
}

// The packet path reads client weights where they are kept: nothing derives from them.
void Comparison::compare_weights(const Service& service,
                                 const std::vector<Changed<ClientWeight>>& weights) {
  for (const auto& [before, after] : weights) {
    const ClientWeight& weight = after != nullptr ? *after : *before;
    const std::string what = client_weight_text(service, weight.prefix);
    say(after == nullptr ? what + ": removed" : fmt::format("{}: {}", what, weight.weight));
    result_.writes.weights.push_back(weight);
    if (after == nullptr) result_.writes.weights.back().weight = 0;
  }
}

void Comparison::compare_backend(const Service& service, const Changed<Backend>& backend) {
  const std::string what = backend_text(service, backend.either().at);
  if (backend.before == nullptr) {
    add_backend(service, *backend.after);
  } else if (backend.after == nullptr) {
    say(what + ": removed");
    Backend gone = *backend.before;
    gone.removing = true;
    write_backend(gone);
  } else {
    say(fmt::format("{}: {}", what, backend_changes(*backend.before, *backend.after)));
    write_backend(*backend.after);
  }
}

void Comparison::add_backend(const Service& service, const Backend& backend) {
  std::string sentence =
      fmt::format("{}: added, weight {}", backend_text(service, backend.at), backend.weight);
  if (backend.state != BackendState::up)
    sentence += fmt::format(", {}", backend_state_text(backend.state));
  say(std::move(sentence));
  result_.added.push_back({service, backend});
  result_.dirty.endpoints = true;
  // In mode nat the table has to know where replies come from before the ring has the backend.
  if (traits(service.mode).replies_by_source()) result_.dirty.table = true;
  write_backend(backend);
}

std::string Comparison::backend_changes(const Backend& before, const Backend& after) const {
  std::vector<std::string> changes;
  if (after.weight != before.weight) changes.push_back(fmt::format("weight {}", after.weight));
  if (after.state != before.state) changes.emplace_back(backend_state_text(after.state));
  if (after.failing != before.failing) {
    const char* const well = cause_ == Cause::request ? "no longer failing" : "healthy";
    changes.emplace_back(after.failing ? "failing" : well);
  }
  if (after.adapted_permille != before.adapted_permille) {
    changes.push_back(after.adapted_permille == 0
                          ? "its whole weight"
                          : fmt::format("{} permille of its weight", after.adapted_permille));
  }
  return fmt::format("{}", fmt::join(changes, ", "));
}

void Comparison::write_backend(const Backend& backend) {
  result_.writes.backends.push_back(backend);
  result_.dirty.records = result_.dirty.rings = true;
  result_.dirty.only_backends->push_back(backend.number);
}

// Filters are written in one call. But one that denies where another allowed must not be there
// before the service table (finish_writes() in control/commit.h).
bool Comparison::journal_needed() const {
  const Writes& writes = result_.writes;
  const size_t others = writes.services.size() + writes.backends.size() + writes.policies.size() +
                        writes.weights.size();
  return others > 1 || (others == 1 && !writes.filters.empty()) || filter_reversed_;
}

}  // namespace

Difference difference(const Configuration& before, const Configuration& after, Cause cause) {
  return Comparison(before, after, cause).run();
}

}  // namespace sluice
