// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The steps that follow a commit; derive.h gives the reason for their order.
#include "control/derive.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace sluice {

namespace {

// One run over the services of a change or a recovery, one phase at a time for all of them: the
// kernel does many at once in little more time than one.
class Derivation {
 public:
  Derivation(Dataplane dataplane, Configuration& configuration,
             const std::vector<uint32_t>& numbers, const DirtySet& dirty)
      : store_(dataplane.configuration),
        packet_path_(dataplane.packet_path),
        counters_(dataplane.counters),
        configuration_(configuration),
        dirty_(dirty) {
    std::unordered_set<uint32_t> wanted(numbers.begin(), numbers.end());
    for (const Service& service : configuration.services) {
      if (wanted.contains(service.number))
        (service.removing ? leaving_ : staying_).push_back({service, {}});
    }
    std::unordered_map<uint32_t, Group*> groups;
    for (auto* all : {&staying_, &leaving_})
      for (Group& group : *all) groups.emplace(group.service.number, &group);
    for (const Backend& backend : configuration.backends) {
      const auto group = groups.find(backend.service);
      if (group != groups.end()) group->second->backends.push_back(backend);
    }
  }

  Result<void> run();

 private:
  // A service with its backends, as they are when this begins.
  struct Group {
    Service service;
    std::vector<Backend> backends;
  };

  Result<void> write_records();
  Result<bool> write_record(const Service& service, const Backend& backend);
  Result<void> move_rings();
  Result<void> move_ring(Group& group, std::vector<std::pair<Service, Ring>>& moved);
  Result<void> finish_backends();
  Result<void> finish_services();
  Result<void> finish_service(const Group& group);
  Result<void> purge_flows_of(const std::vector<Backend>& backends);
  Result<void> retire_traffic(Service& service, const Backend& backend);
  Result<void> erase_backend(const Service& service, const Backend& backend);
  void purge_erased();
  Result<void> put_service(const Service& service);
  Result<void> set_endpoints();
  Result<void> set_endpoints_of(const std::vector<uint32_t>& backends);
  Result<void> set_endpoints_left();
  Result<void> swap_table();
  Result<void> finish_filters(const std::vector<Group>& groups);

  ConfigurationStore& store_;
  PacketPath& packet_path_;
  TrafficCounters& counters_;
  Configuration& configuration_;
  const DirtySet& dirty_;
  std::vector<Group> staying_;
  std::vector<Group> leaving_;
  std::unordered_set<uint32_t> erased_;           // backends that the configuration still has here
  bool endpoints_left_ = false;                   // endpoints of something that was removed since
  std::vector<Endpoint> backend_endpoints_left_;  // of these backends
  bool table_left_ = false;                       // the same of the service table
};

// A few endpoints are set one by one; if there are more, or a service is removed, all are set.
constexpr size_t few_endpoints = 4;

Result<void> Derivation::run() {
  if (dirty_.records) {
    TRY(write_records());
  }
  if (dirty_.endpoints) {
    const bool few = !dirty_.service_endpoints && dirty_.only_backends &&
                     dirty_.only_backends->size() <= few_endpoints;
    TRY(few ? set_endpoints_of(*dirty_.only_backends) : set_endpoints());
  }
  if (dirty_.table) {
    TRY(swap_table());
  }
  TRY(finish_filters(staying_));
  if (dirty_.rings) {
    TRY(move_rings());
    TRY(finish_backends());
  }
  TRY(finish_services());
  purge_erased();
  if (endpoints_left_) {
    TRY(set_endpoints_left());
  }
  if (table_left_) {
    TRY(swap_table());
  }
  return {};
}

Result<void> Derivation::write_records() {
  std::unordered_set<uint32_t> only;
  if (dirty_.only_backends) only.insert(dirty_.only_backends->begin(), dirty_.only_backends->end());
  for (Group& group : staying_) {
    std::vector<Backend> kept;
    for (const Backend& backend : group.backends) {
      if (dirty_.only_backends && !only.contains(backend.number)) {
        kept.push_back(backend);
        continue;
      }
      auto known = TRY(write_record(group.service, backend));
      if (known) kept.push_back(backend);
    }
    group.backends = std::move(kept);
  }
  purge_erased();
  return {};
}

// False: the backend was taken back.
Result<bool> Derivation::write_record(const Service& service, const Backend& backend) {
  auto source = TRY(packet_path_.backend_source(backend.number));
  if (!source) {
    if (backend.removing) return true;  // killed after its record was erased
    if (const auto known = dirty_.sources.find(backend.number); known != dirty_.sources.end()) {
      source = known->second;
    } else {
      auto towards = packet_path_.route_towards(backend.at.address);
      // `backend add` was killed right after its commit, and the route that it had checked is gone.
      // No packet has seen this backend. If it stayed, the recovery of every later command would
      // fail.
      if (!towards) {
        TRY(store_.erase_backend(backend));
        erased_.insert(backend.number);
        return false;
      }
      source = towards->source;
    }
  }
  TRY(packet_path_.write_backend(service, backend, *source));
  return true;
}

Result<void> Derivation::move_rings() {
  std::vector<std::pair<Service, Ring>> moved;
  for (Group& group : staying_) TRY(move_ring(group, moved));
  return moved.empty() ? Result<void>{} : packet_path_.swap_rings(moved);
}

Result<void> Derivation::move_ring(Group& group, std::vector<std::pair<Service, Ring>>& moved) {
  Service& service = group.service;
  std::vector<RingMember> members;
  std::vector<uint32_t> down;
  const std::vector<HostPort> places = ring_places(service, group.backends);
  const std::vector<uint32_t> weights = effective_weights(group.backends);
  for (size_t i = 0; i < group.backends.size(); i++) {
    const Backend& backend = group.backends[i];
    const BackendState state = effective_state(backend);
    if (state == BackendState::down) {
      down.push_back(backend.number);
    } else if (state == BackendState::up && weights[i] > 0) {
      members.push_back({backend.number, backend_identity(places[i]), weights[i]});
    }
  }
  auto live = TRY(packet_path_.ring(service));
  if (members.empty() && live.empty()) return {};

  const uint8_t ring_bits = ring_bits_for(members.size(), service.ring_bits);
  if (ring_bits != service.ring_bits) {
    service.ring_bits = ring_bits;
    TRY(put_service(service));
  }
  Ring resized;
  if (live.size() != size_t{1} << ring_bits) {
    resized = live.empty() ? Ring(size_t{1} << ring_bits) : ring_refine(live, ring_bits);
  }
  const Ring& before = resized.empty() ? live : resized;
  // One second later than now: the swap comes after this, and slots move from then on.
  Ring after = ring_transition(before, maglev_build(std::move(members), ring_bits), down,
                               packet_path_.now_s() + 1);
  // Every translated connection is in `translations` and reads the ring only once.
  if (traits(service.mode).keeps_translations) after = ring_settled(std::move(after));
  if (after == live && !(dirty_.timeouts && ring_moving_slots(after) > 0)) return {};
  moved.emplace_back(service, std::move(after));
  return {};
}

Result<void> Derivation::finish_backends() {
  std::vector<Backend> leaving;
  std::vector<std::pair<Service, Ring>> emptied;
  for (const Group& group : staying_) {
    const size_t before = leaving.size();
    std::copy_if(group.backends.begin(), group.backends.end(), std::back_inserter(leaving),
                 [](const Backend& backend) { return backend.removing; });
    // No backend is left, and no flow is tracked: the next backend begins a new ring.
    if (leaving.size() > before && leaving.size() - before == group.backends.size())
      emptied.emplace_back(group.service, Ring{});
  }
  if (leaving.empty()) return {};
  TRY(purge_flows_of(leaving));
  if (!emptied.empty()) TRY(packet_path_.swap_rings(emptied));
  for (Group& group : staying_) {
    for (const Backend& backend : group.backends) {
      if (!backend.removing) continue;
      TRY(retire_traffic(group.service, backend));
      TRY(erase_backend(group.service, backend));
      endpoints_left_ = true;
      if (replies_come_here(group.service.mode)) table_left_ = true;
    }
  }
  return {};
}

// The service table no longer depends on them.
Result<void> Derivation::finish_filters(const std::vector<Group>& groups) {
  std::unordered_map<uint32_t, bool> goes;  // with its service
  for (const Group& group : groups) goes.emplace(group.service.number, group.service.removing);
  const auto leaves = [&](const Filter& filter) {
    const auto service = goes.find(filter.service);
    return service != goes.end() && (filter.removing || service->second);
  };
  std::vector<Filter> leaving;
  std::copy_if(configuration_.filters.begin(), configuration_.filters.end(),
               std::back_inserter(leaving), leaves);
  if (leaving.empty()) return {};
  TRY(store_.erase_filters(leaving));
  std::erase_if(configuration_.filters, leaves);
  return {};
}

// Their records say `down` and the ring was swapped since: no packet tracks a flow for them any
// more (bpf/pure/tracking.h).
Result<void> Derivation::purge_flows_of(const std::vector<Backend>& backends) {
  if (backends.empty()) return {};
  std::vector<uint32_t> numbers;
  for (const Backend& backend : backends) numbers.push_back(backend.number);
  return packet_path_.purge_backends(numbers);
}

// Cleared before it is added. A kill between the two loses the counts of this one backend; in the
// other order, recovery would add them twice, and a sum that is too high is worse.
Result<void> Derivation::retire_traffic(Service& service, const Backend& backend) {
  auto traffic = TRY(counters_.backend_traffic(backend.number));
  TRY(counters_.clear_backend_traffic(backend.number));
  if (traffic == Traffic{}) return {};
  service.retired += traffic;
  return put_service(service);
}

Result<void> Derivation::put_service(const Service& service) {
  if (Service* known = configuration_.service(service.number)) *known = service;
  return store_.write_all({.services = {service}});
}

Result<void> Derivation::erase_backend(const Service& service, const Backend& backend) {
  TRY(packet_path_.erase_backend_record(backend.number));
  TRY(store_.erase_backend(backend));
  erased_.insert(backend.number);
  backend_endpoints_left_.push_back(
      {backend.at.address, backend.at.port, service.endpoint.l4_proto});
  return {};
}

void Derivation::purge_erased() {
  if (erased_.empty()) return;
  std::erase_if(configuration_.backends,
                [&](const Backend& backend) { return erased_.contains(backend.number); });
  erased_.clear();
}

// The service table no longer has them.
Result<void> Derivation::finish_services() {
  if (leaving_.empty()) return {};
  std::vector<std::pair<Service, Ring>> rings;
  std::vector<Backend> backends;
  for (const Group& group : leaving_) {
    rings.emplace_back(group.service, Ring{});
    backends.insert(backends.end(), group.backends.begin(), group.backends.end());
  }
  TRY(packet_path_.swap_rings(rings));
  TRY(purge_flows_of(backends));
  TRY(finish_filters(leaving_));
  for (const Group& group : leaving_) TRY(finish_service(group));
  endpoints_left_ = true;
  return {};
}

// Its configuration goes last: until then recovery finds it.
Result<void> Derivation::finish_service(const Group& group) {
  const Service& service = group.service;
  for (const Backend& backend : group.backends) {
    TRY(counters_.clear_backend_traffic(backend.number));
    TRY(erase_backend(service, backend));
    if (replies_come_here(service.mode)) table_left_ = true;
  }
  for (const ClientWeight& weight : configuration_.weights) {
    if (weight.service != service.number) continue;
    TRY(store_.write_all({.weights = {{weight.service, weight.prefix, 0}}}));
  }
  TRY(counters_.clear_verdicts(service.number));
  TRY(store_.write_all({.policies = {{service.number, Policy{}}}}));
  TRY(store_.erase_service(service));
  configuration_.purge_service(service.number);
  return {};
}

Result<void> Derivation::set_endpoints() {
  return packet_path_.set_endpoints(endpoints_of(configuration_));
}

Result<void> Derivation::set_endpoints_of(const std::vector<uint32_t>& numbers) {
  for (const Group& group : staying_) {
    for (const Backend& backend : group.backends) {
      if (std::find(numbers.begin(), numbers.end(), backend.number) == numbers.end()) continue;
      const Endpoint endpoint{backend.at.address, backend.at.port, group.service.endpoint.l4_proto};
      TRY(packet_path_.set_endpoint(endpoint, endpoint_service(configuration_, endpoint)));
    }
  }
  return {};
}

Result<void> Derivation::set_endpoints_left() {
  if (!leaving_.empty() || backend_endpoints_left_.size() > few_endpoints) return set_endpoints();
  for (const Endpoint& endpoint : backend_endpoints_left_) {
    TRY(packet_path_.set_endpoint(endpoint, endpoint_service(configuration_, endpoint)));
  }
  return {};
}

Result<void> Derivation::swap_table() {
  auto entries = TRY(table_entries(packet_path_, configuration_));
  return packet_path_.swap_service_table(entries);
}

}  // namespace

Result<void> derive_services(Dataplane dataplane, Configuration& configuration,
                             const std::vector<uint32_t>& numbers, const DirtySet& dirty) {
  return Derivation(dataplane, configuration, numbers, dirty).run();
}

}  // namespace sluice
