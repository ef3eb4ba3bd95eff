// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/plan.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "control/sentences.h"
#include "control/service_checks.h"

namespace sluice {

namespace {

// The running services with what belongs to each, found without going through all for each.
struct RunningService {
  const Service* service = nullptr;
  std::unordered_map<std::string, const Backend*> by_place{};
  std::vector<const Backend*> backends{};
  std::vector<const Filter*> filters{};
  std::vector<const ClientWeight*> weights{};
  Policy policy{};
};

// Of 16 bytes and a port: shorter than its text and as good a key.
std::string place_key(const HostPort& at) {
  std::string key(reinterpret_cast<const char*>(at.address.raw().bytes), 16);
  key.push_back(static_cast<char>(at.port >> 8));
  key.push_back(static_cast<char>(at.port & 0xff));
  return key;
}

class Running {
 public:
  explicit Running(const Configuration& configuration) {
    services_.reserve(configuration.services.size());
    std::unordered_map<uint32_t, RunningService*> by_number;
    for (const Service& service : configuration.services) {
      if (service.removing) continue;
      services_.push_back({.service = &service});
    }
    for (RunningService& each : services_) {
      by_name_.emplace(each.service->name, &each);
      by_number.emplace(each.service->number, &each);
    }
    const auto of = [&](uint32_t number) -> RunningService* {
      const auto found = by_number.find(number);
      return found == by_number.end() ? nullptr : found->second;
    };
    for (const Backend& backend : configuration.backends)
      if (RunningService* each = backend.removing ? nullptr : of(backend.service))
        each->backends.push_back(&backend);
    for (const Filter& filter : configuration.filters)
      if (RunningService* each = filter.removing ? nullptr : of(filter.service))
        each->filters.push_back(&filter);
    for (const ClientWeight& weight : configuration.weights)
      if (RunningService* each = of(weight.service)) each->weights.push_back(&weight);
    for (const auto& [number, policy] : configuration.policies)
      if (RunningService* each = of(number)) each->policy = policy;
  }

  [[nodiscard]] const RunningService* named(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }
  [[nodiscard]] const std::vector<RunningService>& services() const { return services_; }

 private:
  std::vector<RunningService> services_;
  std::unordered_map<std::string, RunningService*> by_name_;
};

// Gives numbers as Configuration does, but many: services the lowest free ones, backends those that
// were never used and then those that were freed longest ago.
class Numbers {
 public:
  Numbers(const Configuration& running, const Capacities& capacities,
          const std::vector<uint64_t>& freed)
      : running_(running), capacities_(capacities), freed_(freed) {}

  // 0: all are taken.
  uint32_t service() {
    if (!services_taken_) {
      services_taken_.emplace();
      for (const Service& service : running_.services) services_taken_->insert(service.number);
    }
    while (services_taken_->contains(next_service_)) next_service_++;
    return next_service_ <= capacities_.services ? next_service_++ : 0;
  }

  uint32_t backend() {
    if (!backends_) rank_backends();
    return next_backend_ < backends_->size() ? (*backends_)[next_backend_++] : 0;
  }

 private:
  void rank_backends() {
    std::vector<bool> taken(size_t{capacities_.backends} + 1, false);
    for (const Backend& backend : running_.backends)
      if (backend.number <= capacities_.backends) taken[backend.number] = true;
    backends_.emplace();
    for (uint32_t number = 1; number <= capacities_.backends; number++)
      if (!taken[number]) backends_->push_back(number);
    const auto freed_at = [&](uint32_t number) {
      return number < freed_.size() ? freed_[number] : 0;
    };
    std::stable_sort(backends_->begin(), backends_->end(),
                     [&](uint32_t a, uint32_t b) { return freed_at(a) < freed_at(b); });
  }

  const Configuration& running_;
  const Capacities& capacities_;
  const std::vector<uint64_t>& freed_;
  std::optional<std::unordered_set<uint32_t>> services_taken_;
  uint32_t next_service_ = 1;
  std::optional<std::vector<uint32_t>> backends_;
  size_t next_backend_ = 0;
};

// What the service table says of a service because of its filters.
struct FilterKinds {
  bool any = false;
  bool allowing = false;

  friend bool operator==(const FilterKinds&, const FilterKinds&) = default;
};

template <typename Filters>
FilterKinds kinds_of(const Filters& filters) {
  FilterKinds kinds;
  for (const auto& filter : filters) {
    kinds.any = true;
    if constexpr (std::is_pointer_v<std::decay_t<decltype(filter)>>)
      kinds.allowing = kinds.allowing || filter->action == FilterAction::allow;
    else
      kinds.allowing = kinds.allowing || filter.action == FilterAction::allow;
  }
  return kinds;
}

class Planner {
 public:
  Planner(const std::vector<DesiredService>& desired, const Configuration& configuration,
          const Capacities& capacities, const std::vector<uint64_t>& freed)
      : desired_(desired),
        configuration_(configuration),
        capacities_(capacities),
        running_(configuration),
        numbers_(configuration, capacities, freed) {}

  Result<Plan> run();

 private:
  Result<void> plan_one(const DesiredService& desired);
  Result<void> add_service(const DesiredService& desired);
  Result<void> replace_service(const DesiredService& desired, const RunningService& was);
  Result<void> put_new(const DesiredService& desired);
  void set_service(const Service& wanted, const Service& was);
  void remove_service(const RunningService& was, const std::string& name);
  void plan_policy(const DesiredService& desired, const Service& service, const Policy& before);
  Result<void> plan_filters(const DesiredService& desired, const Service& service,
                            const std::vector<const Filter*>& before);
  void plan_weights(const DesiredService& desired, const Service& service,
                    const std::vector<const ClientWeight*>& before);
  Result<void> plan_backends(const DesiredService& desired, const Service& service,
                             const std::vector<const Backend*>& before);
  Result<void> add_backend(const DesiredService& desired, const Service& service,
                           const DesiredBackend& wanted);
  void set_backend(const DesiredService& desired, const Service& service,
                   const DesiredBackend& wanted, const Backend& was);
  void remove_backend(const Service& service, const Backend& was);
  void touch_backend(const Backend& backend);
  void say(std::string sentence) { plan_.sentences.push_back(std::move(sentence)); }
  void touch(uint32_t service) { touched_.insert(service); }

  const std::vector<DesiredService>& desired_;
  const Configuration& configuration_;
  const Capacities& capacities_;
  Running running_;
  Numbers numbers_;
  Plan plan_;
  std::unordered_set<uint32_t> touched_;
  std::vector<uint32_t> backends_;  // whose records change
  // That there will be for a moment, with those that go.
  size_t filters_ = 0;
  size_t weights_ = 0;
};

Result<Plan> Planner::run() {
  filters_ = configuration_.filters.size();
  weights_ = configuration_.weights.size();
  std::unordered_set<std::string> wanted;
  for (const DesiredService& each : desired_) wanted.insert(each.service.name);
  for (const DesiredService& each : desired_) {
    TRY(plan_one(each));
  }
  for (const RunningService& each : running_.services()) {
    if (wanted.contains(each.service->name)) continue;
    const size_t backends = each.backends.size();
    say(fmt::format("service {}: removed{}", each.service->name,
                    backends == 0
                        ? ""
                        : fmt::format(", with {} backend{}", backends, backends == 1 ? "" : "s")));
    remove_service(each, each.service->name);
  }
  if (filters_ > capacities_.filters) {
    return failed(
        "filters: {} are needed, with those that go, and there is room for {}; apply in "
        "two steps",
        filters_, capacities_.filters);
  }
  if (weights_ > capacities_.client_weights) {
    return failed(
        "weights of clients: {} are needed, with those that go, and there is room for {}; apply in "
        "two steps",
        weights_, capacities_.client_weights);
  }
  plan_.services.assign(touched_.begin(), touched_.end());
  std::sort(plan_.services.begin(), plan_.services.end());
  plan_.dirty.only_backends = backends_;
  return std::move(plan_);
}

Result<void> Planner::plan_one(const DesiredService& desired) {
  const RunningService* was = running_.named(desired.service.name);
  if (was == nullptr) return add_service(desired);
  // Numbers and counters are not the operator's to say.
  Service wanted = desired.service;
  wanted.number = was->service->number;
  wanted.ring_bits = was->service->ring_bits;
  wanted.retired = was->service->retired;
  Service otherwise = wanted;
  otherwise.idle_timeout_s = was->service->idle_timeout_s;
  otherwise.udp_timeout_s = was->service->udp_timeout_s;
  // With no backends it has no connections that depend on any of it.
  const bool elsewhere = !(wanted.endpoint == was->service->endpoint);
  if (!(otherwise == *was->service) && (elsewhere || !was->backends.empty()))
    return replace_service(desired, *was);

  if (!(wanted == *was->service)) set_service(wanted, *was->service);
  plan_policy(desired, wanted, was->policy);
  TRY(plan_filters(desired, wanted, was->filters));
  plan_weights(desired, wanted, was->weights);
  return plan_backends(desired, wanted, was->backends);
}

Result<void> Planner::add_service(const DesiredService& desired) {
  say(fmt::format("service {}: added {}", desired.service.name, service_text(desired.service)));
  return put_new(desired);
}

Result<void> Planner::replace_service(const DesiredService& desired, const RunningService& was) {
  say(fmt::format("service {}: replaced by {}; it was {}, and its connections end",
                  desired.service.name, service_text(desired.service), service_text(*was.service)));
  // Its name is taken by the new one: no service that is not on its way out can have this one.
  remove_service(was, fmt::format("#{}", was.service->number));
  return put_new(desired);
}

Result<void> Planner::put_new(const DesiredService& desired) {
  Service service = desired.service;
  service.number = numbers_.service();
  if (service.number == 0) {
    return failed(
        "services: {} of {} are in use, which leaves no room for {}; remove some first, or make an "
        "instance with more",
        configuration_.services.size(), capacities_.services, service.name);
  }
  plan_.writes.services.push_back(service);
  plan_.dirty.endpoints = plan_.dirty.service_endpoints = plan_.dirty.table = true;
  touch(service.number);
  plan_policy(desired, service, Policy{});
  if (auto done = plan_filters(desired, service, {}); !done) return done;
  plan_weights(desired, service, {});
  return plan_backends(desired, service, {});
}

void Planner::set_service(const Service& wanted, const Service& was) {
  say(fmt::format("service {}: {}", wanted.name, service_options_text(wanted)));
  plan_.writes.services.push_back(wanted);
  plan_.dirty.table = plan_.dirty.rings = true;
  plan_.dirty.timeouts = plan_.dirty.timeouts || wanted.idle_timeout_s != was.idle_timeout_s ||
                         wanted.udp_timeout_s != was.udp_timeout_s;
  touch(wanted.number);
}

void Planner::remove_service(const RunningService& was, const std::string& name) {
  Service gone = *was.service;
  gone.name = name;
  gone.removing = true;
  plan_.writes.services.push_back(gone);
  plan_.dirty.table = true;
  touch(gone.number);
}

void Planner::plan_policy(const DesiredService& desired, const Service& service,
                          const Policy& before) {
  const Policy& wanted = desired.policy;
  if (wanted == before) return;
  say(fmt::format("policy of {}: {}", service.name,
                  wanted == Policy{} ? "cleared" : policy_text(wanted)));
  plan_.writes.policies.emplace_back(service.number, wanted);
  if (policy_flags(before) != policy_flags(wanted)) plan_.dirty.table = true;
  touch(service.number);
}

Result<void> Planner::plan_filters(const DesiredService& desired, const Service& service,
                                   const std::vector<const Filter*>& before) {
  if (desired.filters.empty() && before.empty()) return {};
  std::unordered_map<std::string, const Filter*> was;
  for (const Filter* filter : before) was.emplace(filter->prefix.text(), filter);
  const size_t writes = plan_.writes.filters.size();
  for (const DesiredFilter& wanted : desired.filters) {
    const auto same = was.find(wanted.prefix.text());
    if (same != was.end() && same->second->action == wanted.action) {
      was.erase(same);
      continue;
    }
    say(fmt::format("{}: {}", filter_text(service, wanted.prefix),
                    wanted.action == FilterAction::allow ? "allowed" : "denied"));
    plan_.writes.filters.push_back(
        {.service = service.number, .prefix = wanted.prefix, .action = wanted.action});
    if (same == was.end()) {
      filters_++;
    } else {
      was.erase(same);
    }
  }
  for (const Filter* filter : before) {
    if (!was.contains(filter->prefix.text())) continue;
    say(filter_text(service, filter->prefix) + ": removed");
    Filter gone = *filter;
    gone.removing = true;
    plan_.writes.filters.push_back(gone);
  }
  if (plan_.writes.filters.size() == writes) return {};
  if (!(kinds_of(before) == kinds_of(desired.filters))) plan_.dirty.table = true;
  touch(service.number);
  return {};
}

// Each is read where it is kept: nothing derives from it.
void Planner::plan_weights(const DesiredService& desired, const Service& service,
                           const std::vector<const ClientWeight*>& before) {
  std::unordered_map<std::string, const ClientWeight*> was;
  for (const ClientWeight* weight : before) was.emplace(weight->prefix.text(), weight);
  for (const DesiredClientWeight& wanted : desired.client_weights) {
    const auto same = was.find(wanted.prefix.text());
    const bool is_new = same == was.end();
    const bool differs = is_new || same->second->weight != wanted.weight;
    if (!is_new) was.erase(same);
    if (!differs) continue;
    if (is_new) weights_++;
    say(fmt::format("{}: {}", client_weight_text(service, wanted.prefix), wanted.weight));
    plan_.writes.weights.push_back({service.number, wanted.prefix, wanted.weight});
    touch(service.number);
  }
  for (const ClientWeight* weight : before) {
    if (!was.contains(weight->prefix.text())) continue;
    say(client_weight_text(service, weight->prefix) + ": removed");
    plan_.writes.weights.push_back({service.number, weight->prefix, 0});
    touch(service.number);
  }
}

Result<void> Planner::plan_backends(const DesiredService& desired, const Service& service,
                                    const std::vector<const Backend*>& before) {
  std::unordered_map<std::string, const Backend*> was;
  was.reserve(before.size());
  for (const Backend* backend : before) was.emplace(place_key(backend->at), backend);
  for (const DesiredBackend& wanted : desired.backends) {
    const auto same = was.find(place_key(wanted.at));
    if (same == was.end()) {
      TRY(add_backend(desired, service, wanted));
    } else {
      set_backend(desired, service, wanted, *same->second);
      was.erase(same);
    }
  }
  if (was.empty()) return {};
  for (const Backend* backend : before)
    if (was.contains(place_key(backend->at))) remove_backend(service, *backend);
  return {};
}

Result<void> Planner::add_backend(const DesiredService&, const Service& service,
                                  const DesiredBackend& wanted) {
  const Backend backend{.service = service.number,
                        .at = wanted.at,
                        .number = numbers_.backend(),
                        .weight = wanted.weight,
                        .state = wanted.state};
  if (backend.number == 0) {
    return failed(
        "backends: {} of {} are in use, which leaves no room for {}; remove some first, or make an "
        "instance with more",
        configuration_.backends.size(), capacities_.backends, backend_text(service, wanted.at));
  }
  std::string sentence =
      fmt::format("{}: added, weight {}", backend_text(service, wanted.at), wanted.weight);
  if (wanted.state != BackendState::up)
    sentence += fmt::format(", {}", backend_state_text(wanted.state));
  say(std::move(sentence));
  plan_.added.push_back({service, backend, wanted.mark});
  plan_.dirty.endpoints = true;
  // Who answers has to be known before anybody is sent there.
  if (service.mode == Mode::nat) plan_.dirty.table = true;
  touch_backend(backend);
  return {};
}

void Planner::set_backend(const DesiredService& desired, const Service& service,
                          const DesiredBackend& wanted, const Backend& was) {
  Backend backend = was;
  backend.weight = wanted.weight;
  backend.state = wanted.state;
  // What `sluice run` saw stays, unless it is told to look no more.
  if (!desired.health) backend.failing = false;
  if (desired.weights != Weights::adapt) backend.adapted_permille = 0;
  if (backend == was) return;
  std::string changed;
  if (backend.weight != was.weight) changed = fmt::format("weight {}", backend.weight);
  if (backend.state != was.state)
    changed += fmt::format("{}{}", changed.empty() ? "" : ", ", backend_state_text(backend.state));
  if (backend.failing != was.failing)
    changed += fmt::format("{}no longer failing", changed.empty() ? "" : ", ");
  if (backend.adapted_permille != was.adapted_permille)
    changed += fmt::format("{}its whole weight", changed.empty() ? "" : ", ");
  say(fmt::format("{}: {}", backend_text(service, backend.at), changed));
  touch_backend(backend);
}

void Planner::remove_backend(const Service& service, const Backend& was) {
  say(backend_text(service, was.at) + ": removed");
  Backend gone = was;
  gone.removing = true;
  touch_backend(gone);
}

void Planner::touch_backend(const Backend& backend) {
  plan_.writes.backends.push_back(backend);
  plan_.dirty.records = plan_.dirty.rings = true;
  backends_.push_back(backend.number);
  touch(backend.service);
}

}  // namespace

namespace {

// Maps have no order of their own, and the same state is to be the same text.
void sort_parts(DesiredService& service) {
  const auto by_prefix = [](const auto& a, const auto& b) { return a.prefix < b.prefix; };
  std::sort(service.client_weights.begin(), service.client_weights.end(), by_prefix);
  // Those that allow first, as the file has them.
  std::sort(service.filters.begin(), service.filters.end(), [](const auto& a, const auto& b) {
    return a.action == b.action ? a.prefix < b.prefix : a.action == FilterAction::allow;
  });
  std::sort(service.backends.begin(), service.backends.end(), [](const auto& a, const auto& b) {
    return a.at.address == b.at.address ? a.at.port < b.at.port : a.at.address < b.at.address;
  });
}

}  // namespace

Result<Plan> plan_services(const std::vector<DesiredService>& desired, const Configuration& running,
                           const Capacities& capacities, const std::vector<uint64_t>& freed) {
  return Planner(desired, running, capacities, freed).run();
}

std::vector<DesiredService> services_of(const Configuration& configuration) {
  const Running running(configuration);
  std::vector<DesiredService> services;
  for (const RunningService& each : running.services()) {
    DesiredService service{.service = *each.service};
    service.service.number = 0;
    service.service.ring_bits = 0;
    service.service.retired = {};
    service.policy = each.policy;
    for (const Filter* filter : each.filters)
      service.filters.push_back({filter->prefix, filter->action});
    for (const ClientWeight* weight : each.weights)
      service.client_weights.push_back({weight->prefix, weight->weight});
    for (const Backend* backend : each.backends)
      service.backends.push_back({backend->at, backend->weight, backend->state});
    sort_parts(service);
    services.push_back(std::move(service));
  }
  std::sort(services.begin(), services.end(),
            [](const auto& a, const auto& b) { return a.service.name < b.service.name; });
  return services;
}

}  // namespace sluice
