// The order of everything that follows a commit; derive.h says why it is this one.
#include "control/derive.h"

#include <algorithm>

namespace sluice {

namespace {

// One run over the services that a change (or a recovery) is about.
class Derivation {
 public:
  Derivation(Dataplane& dataplane, Configuration& configuration,
             const std::vector<uint32_t>& numbers, const Stale& stale)
      : dataplane_(dataplane), configuration_(configuration), stale_(stale) {
    for (uint32_t number : numbers) {
      const Service* service = configuration.service(number);
      if (!service) continue;  // cut off before its commit, or after its last write
      (service->removing ? leaving_ : staying_).push_back(number);
    }
  }

  Result<void> run();

 private:
  Result<void> write_records(const Service& service);
  Result<void> write_record(const Service& service, const Backend& backend);
  Result<void> move_ring(Service& service);
  Result<void> finish_backends(Service& service);
  Result<void> finish_service(const Service& service);
  Result<void> forget_flows_of(const std::vector<Backend>& backends);
  Result<void> retire_traffic(Service& service, const Backend& backend);
  Result<void> erase_backend(const Backend& backend);
  Result<void> set_endpoints();
  Result<void> set_endpoint_of(uint32_t backend);
  Result<void> set_endpoints_left();
  Result<void> swap_table();
  Result<void> finish_filters(const Service& service);
  [[nodiscard]] std::vector<Backend> backends_of(uint32_t service) const;

  Dataplane& dataplane_;
  Configuration& configuration_;
  const Stale& stale_;
  std::vector<uint32_t> staying_;
  std::vector<uint32_t> leaving_;
  bool endpoints_left_ = false;  // something of what set_endpoints() said has gone since
  std::vector<Endpoint> backend_endpoints_left_;  // that of these backends
  bool table_left_ = false;                       // and of what swap_table() said
};

Result<void> Derivation::run() {
  if (stale_.records) {
    for (uint32_t number : staying_) {
      if (auto done = write_records(*configuration_.service(number)); !done) return done;
    }
  }
  if (stale_.endpoints) {
    if (auto done = stale_.only_backend ? set_endpoint_of(*stale_.only_backend) : set_endpoints();
        !done) {
      return done;
    }
  }
  if (stale_.table) {
    if (auto done = swap_table(); !done) return done;
  }
  for (uint32_t number : staying_) {
    if (auto done = finish_filters(*configuration_.service(number)); !done) return done;
  }
  if (stale_.rings) {
    for (uint32_t number : staying_) {
      Service& service = *configuration_.service(number);
      if (auto done = move_ring(service); !done) return done;
      if (auto done = finish_backends(service); !done) return done;
    }
  }
  for (uint32_t number : leaving_) {
    // A copy: what is finished is forgotten.
    const Service service = *configuration_.service(number);
    if (auto done = finish_service(service); !done) return done;
  }
  if (endpoints_left_) {
    if (auto done = set_endpoints_left(); !done) return done;
  }
  if (table_left_) {
    if (auto done = swap_table(); !done) return done;
  }
  return {};
}

Result<void> Derivation::write_records(const Service& service) {
  for (const Backend& backend : backends_of(service.number)) {
    if (stale_.only_backend && *stale_.only_backend != backend.number) continue;
    if (auto done = write_record(service, backend); !done) return done;
  }
  return {};
}

Result<void> Derivation::write_record(const Service& service, const Backend& backend) {
  auto source = dataplane_.backend_source(backend.number);
  if (!source) return tl::unexpected(source.error());
  if (!*source) {
    if (backend.removing) return {};  // cut off behind the end of its record
    if (stale_.source) {
      *source = stale_.source;
    } else {
      auto towards = dataplane_.route_towards(backend.at.address);
      // `backend add` was cut off right after its commit, and the route that it had made sure of is
      // gone: no packet ever saw this backend. Taken back, it cannot keep every later command from
      // getting past its recovery.
      if (!towards) {
        if (auto done = dataplane_.erase_backend(backend); !done) return done;
        configuration_.forget_backend(backend.number);
        return {};
      }
      *source = towards->source;
    }
  }
  return dataplane_.write_backend(service, backend, **source);
}

Result<void> Derivation::move_ring(Service& service) {
  std::vector<RingMember> members;
  std::vector<uint32_t> down;
  const std::vector<Backend> backends = backends_of(service.number);
  const std::vector<HostPort> places = ring_places(service, backends);
  const std::vector<uint32_t> weights = effective_weights(backends);
  for (size_t i = 0; i < backends.size(); i++) {
    const Backend& backend = backends[i];
    const BackendState state = effective_state(backend);
    if (state == BackendState::down) {
      down.push_back(backend.number);
    } else if (state == BackendState::up && weights[i] > 0) {
      members.push_back({backend.number, backend_identity(places[i]), weights[i]});
    }
  }
  auto live = dataplane_.ring(service);
  if (!live) return tl::unexpected(live.error());
  if (members.empty() && live->empty()) return {};

  const uint8_t ring_bits = ring_bits_for(members.size(), service.ring_bits);
  if (ring_bits != service.ring_bits) {
    service.ring_bits = ring_bits;
    if (auto done = dataplane_.put_service(service); !done) return done;
  }
  Ring resized;
  if (live->size() != size_t{1} << ring_bits) {
    resized = live->empty() ? Ring(size_t{1} << ring_bits) : ring_refine(*live, ring_bits);
  }
  const Ring& before = resized.empty() ? *live : resized;
  // A second more than now: the swap is not done yet, and from then on times count.
  Ring after = ring_transition(before, maglev_build(std::move(members), ring_bits), down,
                               dataplane_.now_s() + 1);
  // Every translated connection is in `translations` anyway and asks the ring only once.
  if (service.mode == Mode::snat) after = ring_settled(std::move(after));
  if (after == *live && !(stale_.timeouts && ring_moving_slots(after) > 0)) return {};
  return dataplane_.swap_ring(service, after);
}

Result<void> Derivation::finish_backends(Service& service) {
  const std::vector<Backend> backends = backends_of(service.number);
  std::vector<Backend> leaving;
  std::copy_if(backends.begin(), backends.end(), std::back_inserter(leaving),
               [](const Backend& backend) { return backend.removing; });
  if (auto done = forget_flows_of(leaving); !done) return done;
  // Nobody is left, and no flow is remembered: the next backend begins a ring of its own.
  if (!leaving.empty() && leaving.size() == backends.size()) {
    if (auto done = dataplane_.erase_ring(service.number); !done) return done;
  }
  for (const Backend& backend : leaving) {
    if (auto done = retire_traffic(service, backend); !done) return done;
    if (auto done = erase_backend(backend); !done) return done;
    endpoints_left_ = true;
    if (replies_come_here(service.mode)) table_left_ = true;
  }
  return {};
}

// The service table no longer counts them in.
Result<void> Derivation::finish_filters(const Service& service) {
  std::vector<Filter> leaving;
  std::copy_if(configuration_.filters.begin(), configuration_.filters.end(),
               std::back_inserter(leaving), [&](const Filter& filter) {
                 return filter.service == service.number && (filter.removing || service.removing);
               });
  if (leaving.empty()) return {};
  if (auto done = dataplane_.erase_filters(leaving); !done) return done;
  std::erase_if(configuration_.filters, [&](const Filter& filter) {
    return filter.service == service.number && (filter.removing || service.removing);
  });
  return {};
}

// Their records say that they are down and the ring was swapped since: no packet remembers one of
// them anew (bpf/pure/tracking.h).
Result<void> Derivation::forget_flows_of(const std::vector<Backend>& backends) {
  if (backends.empty()) return {};
  std::vector<uint32_t> numbers;
  for (const Backend& backend : backends) numbers.push_back(backend.number);
  return dataplane_.forget_backends(numbers);
}

// Cleared before it is added: cut off between the two, the counts of this one backend are lost. The
// other way round they would be added again by whoever finishes, and a sum that is too high is the
// worse lie.
Result<void> Derivation::retire_traffic(Service& service, const Backend& backend) {
  auto traffic = dataplane_.backend_traffic(backend.number);
  if (!traffic) return tl::unexpected(traffic.error());
  if (auto done = dataplane_.clear_backend_traffic(backend.number); !done) return done;
  if (*traffic == Traffic{}) return {};
  service.retired += *traffic;
  return dataplane_.put_service(service);
}

Result<void> Derivation::erase_backend(const Backend& backend) {
  if (auto done = dataplane_.erase_backend_record(backend.number); !done) return done;
  if (auto done = dataplane_.erase_backend(backend); !done) return done;
  configuration_.forget_backend(backend.number);
  if (const Service* service = configuration_.service(backend.service)) {
    backend_endpoints_left_.push_back(
        {backend.at.address, backend.at.port, service->endpoint.l4_proto});
  }
  return {};
}

// The service table has it no longer. Its configuration goes last: until then there is something
// to finish by.
Result<void> Derivation::finish_service(const Service& service) {
  if (auto done = dataplane_.erase_ring(service.number); !done) return done;
  const std::vector<Backend> backends = backends_of(service.number);
  if (auto done = forget_flows_of(backends); !done) return done;
  for (const Backend& backend : backends) {
    if (auto done = dataplane_.clear_backend_traffic(backend.number); !done) return done;
    if (auto done = erase_backend(backend); !done) return done;
    if (replies_come_here(service.mode)) table_left_ = true;
  }
  if (auto done = finish_filters(service); !done) return done;
  for (const ClientWeight& weight : configuration_.weights) {
    if (weight.service != service.number) continue;
    if (auto done = dataplane_.erase_client_weight(weight); !done) return done;
  }
  if (auto done = dataplane_.clear_verdicts(service.number); !done) return done;
  if (auto done = dataplane_.erase_policy(service.number); !done) return done;
  if (auto done = dataplane_.erase_service(service); !done) return done;
  configuration_.forget_service(service.number);
  endpoints_left_ = true;
  return {};
}

Result<void> Derivation::set_endpoints() {
  return dataplane_.set_endpoints(endpoints_of(configuration_));
}

Result<void> Derivation::set_endpoint_of(uint32_t number) {
  for (const Backend& backend : configuration_.backends) {
    if (backend.number != number) continue;
    const Service* service = configuration_.service(backend.service);
    const Endpoint endpoint{backend.at.address, backend.at.port, service->endpoint.l4_proto};
    return dataplane_.set_endpoint(endpoint, endpoint_service(configuration_, endpoint));
  }
  return {};
}

// A few are looked for one by one; where a service has gone, or many backends, all are set.
Result<void> Derivation::set_endpoints_left() {
  constexpr size_t few = 4;
  if (!leaving_.empty() || backend_endpoints_left_.size() > few) return set_endpoints();
  for (const Endpoint& endpoint : backend_endpoints_left_) {
    auto done = dataplane_.set_endpoint(endpoint, endpoint_service(configuration_, endpoint));
    if (!done) return done;
  }
  return {};
}

Result<void> Derivation::swap_table() {
  auto entries = table_entries(dataplane_, configuration_);
  if (!entries) return tl::unexpected(entries.error());
  return dataplane_.swap_service_table(*entries);
}

// Copies, because what is finished is forgotten on the way.
std::vector<Backend> Derivation::backends_of(uint32_t service) const {
  std::vector<Backend> backends;
  std::copy_if(configuration_.backends.begin(), configuration_.backends.end(),
               std::back_inserter(backends),
               [&](const Backend& backend) { return backend.service == service; });
  return backends;
}

}  // namespace

Result<void> derive_services(Dataplane& dataplane, Configuration& configuration,
                             const std::vector<uint32_t>& numbers, const Stale& stale) {
  return Derivation(dataplane, configuration, numbers, stale).run();
}

}  // namespace sluice
