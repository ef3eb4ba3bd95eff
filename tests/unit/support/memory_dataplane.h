// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Length: one class that implements the whole interface, and checks itself as a packet would.
// A Dataplane in memory. It can be told to fail, or to die like a killed process, at its n-th call.
// After each call it looks at itself as a packet does, and notes every contradiction.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "control/dataplane.h"

namespace sluice::test {

// SIGKILL, as near as a test gets to it.
struct Died {};

struct Record {
  uint32_t service = 0;
  HostPort at;
  Mode mode{};
  BackendState state{};
  Address source;

  friend bool operator==(const Record&, const Record&) = default;
};

struct EndpointOrder {
  bool operator()(const Endpoint& a, const Endpoint& b) const {
    return std::pair{a.text(), a.l4_proto} < std::pair{b.text(), b.l4_proto};
  }
};

// Everything that outlives a command.
struct Memory {
  std::map<std::string, Service> services;
  std::map<std::pair<uint32_t, std::string>, Backend> backends;  // by service, address and port
  std::map<uint32_t, Policy> policies;
  std::map<std::pair<uint32_t, std::string>, Filter> filters;  // by service and prefix
  std::map<std::pair<uint32_t, std::string>, ClientWeight> client_weights;
  uint32_t pending = 0;
  std::optional<Writes> journal;
  std::map<uint32_t, Ring> rings;
  std::map<uint32_t, uint32_t> ring_timeouts;  // that the rings say
  std::vector<TableEntry> table;
  std::map<uint32_t, Record> records;
  std::vector<uint32_t> freed;  // numbers of backends, the one that was freed last at the end
  std::map<Endpoint, uint32_t, EndpointOrder> endpoints;
  std::map<uint32_t, Traffic> traffic;             // by backend
  std::map<uint32_t, uint64_t> no_backend;         // packets with that verdict, by service
  std::set<uint32_t> backends_with_tracked_flows;  // by number
  std::vector<TrackedFlow> flows;

  friend bool operator==(const Memory&, const Memory&) = default;
};

class MemoryDataplane : public Dataplane {
 public:
  MemoryDataplane() = default;
  explicit MemoryDataplane(Memory start) : memory(std::move(start)) {}

  Memory memory;
  Capacities limits{64, 256, 16, 16, 1024};
  std::optional<size_t> die_at;   // before the call of this index, from 0
  std::optional<size_t> fail_at;  // instead of it
  size_t calls = 0;
  std::vector<std::string> written;         // names of the calls that change something, in order
  std::vector<std::string> contradictions;  // empty: whole at every moment
  std::set<std::string> unreachable;        // addresses that route_towards() has no route to
  std::map<std::string, Route> routes;      // what it says of others than usual

  uint32_t clock_s = 1000;
  sluice_seed hash_seed = seed_of_tests();

  [[nodiscard]] Capacities capacities() const override { return limits; }
  [[nodiscard]] uint32_t now_s() const override { return clock_s; }
  [[nodiscard]] const sluice_seed& seed() const override { return hash_seed; }

  Result<std::vector<Service>> services() override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    std::vector<Service> all;
    for (const auto& [name, service] : memory.services) all.push_back(service);
    return all;
  }
  Result<std::vector<Backend>> backends() override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    std::vector<Backend> all;
    for (const auto& [key, backend] : memory.backends) all.push_back(backend);
    return all;
  }
  Result<std::vector<std::pair<uint32_t, Policy>>> policies() override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    return std::vector<std::pair<uint32_t, Policy>>(memory.policies.begin(), memory.policies.end());
  }
  Result<std::vector<Filter>> filters() override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    std::vector<Filter> all;
    for (const auto& [key, filter] : memory.filters) all.push_back(filter);
    return all;
  }
  Result<void> put_service(const Service& service) override {
    return write("put_service", [&] { memory.services[service.name] = service; });
  }
  Result<void> erase_service(const Service& service) override {
    return write("erase_service", [&] { memory.services.erase(service.name); });
  }
  Result<void> put_backend(const Backend& backend) override {
    return write("put_backend", [&] {
      memory.backends[{backend.service, backend.at.text()}] = backend;
    });
  }
  Result<void> erase_backend(const Backend& backend) override {
    return write("erase_backend", [&] {
      memory.backends.erase({backend.service, backend.at.text()});
    });
  }
  Result<void> put_policy(uint32_t service, const Policy& policy) override {
    return write("put_policy", [&] { memory.policies[service] = policy; });
  }
  Result<void> erase_policy(uint32_t service) override {
    return write("erase_policy", [&] { memory.policies.erase(service); });
  }

  Result<void> put_filters(const std::vector<Filter>& filters) override {
    return write("put_filters", [&] {
      for (const Filter& filter : filters) {
        memory.filters[{filter.service, filter.prefix.text()}] = filter;
      }
    });
  }
  Result<void> erase_filters(const std::vector<Filter>& filters) override {
    return write("erase_filters", [&] {
      for (const Filter& filter : filters) {
        memory.filters.erase({filter.service, filter.prefix.text()});
      }
    });
  }

  Result<std::vector<ClientWeight>> client_weights() override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    std::vector<ClientWeight> all;
    for (const auto& [key, weight] : memory.client_weights) all.push_back(weight);
    return all;
  }
  Result<void> put_client_weight(const ClientWeight& weight) override {
    return write("put_client_weight", [&] {
      memory.client_weights[{weight.service, weight.prefix.text()}] = weight;
    });
  }
  Result<void> erase_client_weight(const ClientWeight& weight) override {
    return write("erase_client_weight", [&] {
      memory.client_weights.erase({weight.service, weight.prefix.text()});
    });
  }

  // Each write by itself, so that a kill may come between any two.
  Result<void> write_all(const Writes& writes) override {
    const auto each = [](const auto& items, auto act) -> Result<void> {
      for (const auto& item : items)
        if (auto done = act(item); !done) return done;
      return {};
    };
    auto done = each(writes.services, [&](const Service& service) { return put_service(service); });
    if (done) done = each(writes.backends, [&](const Backend& one) { return put_backend(one); });
    if (done) {
      done = each(writes.policies, [&](const auto& one) {
        return one.second == Policy{} ? erase_policy(one.first) : put_policy(one.first, one.second);
      });
    }
    if (done) {
      done = each(writes.weights, [&](const ClientWeight& one) {
        return one.weight == 0 ? erase_client_weight(one) : put_client_weight(one);
      });
    }
    if (done && !writes.filters.empty()) done = put_filters(writes.filters);
    return done;
  }
  Result<void> put_journal(const Writes& writes) override {
    if (auto going = step(); !going) return going;
    if (memory.pending != 0) contradict("a journal while another change is pending");
    memory.journal = writes;
    return {};
  }
  Result<std::optional<Writes>> journal() override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    return memory.journal;
  }
  Result<void> erase_journal() override {
    if (auto going = step(); !going) return going;
    memory.journal.reset();
    return {};
  }

  Result<uint32_t> pending() override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    return memory.pending;
  }
  Result<void> set_pending(uint32_t service) override {
    if (auto going = step(); !going) return going;
    memory.pending = service;
    return {};
  }

  Result<Ring> ring(const Service& service) override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    auto found = memory.rings.find(service.number);
    return found == memory.rings.end() ? Ring{} : found->second;
  }
  Result<void> swap_ring(const Service& service, const Ring& ring) override {
    return write("swap_ring", [&] {
      memory.rings[service.number] = ring;
      memory.ring_timeouts[service.number] = service_timeout_s(service);
      expect_down_records(service.number);
    });
  }
  Result<void> erase_ring(uint32_t service) override {
    return write("erase_ring", [&] {
      memory.rings.erase(service);
      memory.ring_timeouts.erase(service);
    });
  }
  Result<void> swap_service_table(const std::vector<TableEntry>& entries) override {
    return write("swap_service_table", [&] { memory.table = entries; });
  }
  Result<bool> knows_replies_to(const Address& source) override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    return std::any_of(memory.table.begin(), memory.table.end(), [&](const TableEntry& entry) {
      return entry.flags == SLUICE_SERVICE_REPLIES && entry.endpoint.address == source;
    });
  }
  Result<void> write_backend(const Service& service, const Backend& backend,
                             const Address& source) override {
    return write("write_backend", [&] {
      memory.records[backend.number] = {service.number, backend.at, service.mode,
                                        effective_state(backend), source};
    });
  }
  Result<void> erase_backend_record(uint32_t backend) override {
    return write("erase_backend_record", [&] {
      memory.records.erase(backend);
      std::erase(memory.freed, backend);
      memory.freed.push_back(backend);
      if (memory.backends_with_tracked_flows.contains(backend)) {
        contradict("the record of backend {} goes before its flows", backend);
      }
    });
  }
  Result<std::vector<uint64_t>> backends_freed() override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    std::vector<uint64_t> freed(limits.backends + 1);
    for (size_t i = 0; i < memory.freed.size(); i++) freed[memory.freed[i]] = i + 1;
    return freed;
  }
  Result<void> set_endpoints(const std::vector<std::pair<Endpoint, uint32_t>>& endpoints) override {
    return write("set_endpoints", [&] { memory.endpoints = {endpoints.begin(), endpoints.end()}; });
  }
  Result<void> set_endpoint(const Endpoint& at, uint32_t service) override {
    return write("set_endpoint", [&] {
      memory.endpoints.erase(at);
      if (service != 0) memory.endpoints[at] = service;
    });
  }
  Result<void> purge_backends(const std::vector<uint32_t>& backends) override {
    return write("purge_backends", [&] {
      for (uint32_t backend : backends) {
        memory.backends_with_tracked_flows.erase(backend);
        std::erase_if(memory.flows,
                      [&](const TrackedFlow& flow) { return flow.backend == backend; });
        for (const auto& [service, ring] : memory.rings) {
          if (names(ring, backend)) contradict("backend {} is purged before its ring", backend);
        }
      }
    });
  }
  Result<std::vector<TrackedFlow>> tracked_flows() override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    return memory.flows;
  }
  Result<void> purge_flows(const std::vector<TrackedFlow>& flows) override {
    return write("purge_flows", [&] {
      std::erase_if(memory.flows, [&](const TrackedFlow& flow) {
        return std::find(flows.begin(), flows.end(), flow) != flows.end();
      });
    });
  }

  Result<Route> route_towards(const Address& destination) override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    if (unreachable.contains(destination.text())) {
      return failed("no route to {}", destination.text());
    }
    const auto found = routes.find(destination.text());
    if (found != routes.end()) return found->second;
    return Route{Address::parse(destination.is_v4() ? "10.0.0.1" : "2001:db8::1").value(), true,
                 1500};
  }
  Result<std::optional<Address>> backend_source(uint32_t backend) override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    auto found = memory.records.find(backend);
    if (found == memory.records.end()) return std::optional<Address>{};
    return std::optional<Address>{found->second.source};
  }

  Result<std::vector<Address>> backend_sources(const std::vector<uint32_t>& backends) override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    std::set<Address> sources;
    for (const uint32_t backend : backends) {
      auto found = memory.records.find(backend);
      if (found != memory.records.end()) sources.insert(found->second.source);
    }
    return std::vector<Address>(sources.begin(), sources.end());
  }

  Result<Traffic> backend_traffic(uint32_t backend) override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    auto found = memory.traffic.find(backend);
    return found == memory.traffic.end() ? Traffic{} : found->second;
  }
  Result<void> clear_backend_traffic(uint32_t backend) override {
    return write("clear_backend_traffic", [&] { memory.traffic.erase(backend); });
  }
  Result<void> clear_verdicts(uint32_t service) override {
    return write("clear_verdicts", [&] { memory.no_backend.erase(service); });
  }
  Result<FlowTotals> flow_totals(uint32_t) override { return FlowTotals{}; }
  Result<std::vector<VerdictCount>> verdicts(uint32_t service) override {
    if (auto going = step(); !going) return tl::unexpected(going.error());
    std::vector<VerdictCount> counts;
    auto found = memory.no_backend.find(service);
    if (found != memory.no_backend.end()) {
      counts.push_back({SLUICE_VERDICT_NO_BACKEND, found->second, found->second * 60});
    }
    return counts;
  }

 private:
  // Splitmix64: a hash of small numbers would put every flow into the first slot.
  static sluice_seed seed_of_tests() {
    sluice_seed seed{};
    uint64_t state = 1;
    for (auto& word : seed.words) {
      word = (state += 0x9e3779b97f4a7c15);
      word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
      word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    }
    return seed;
  }

  Result<void> step() {
    const size_t call = calls++;
    if (die_at == call) throw Died{};
    if (fail_at == call) return failed("call {} was told to fail", call);
    return {};
  }

  template <typename Act>
  Result<void> write(const char* name, Act act) {
    if (auto going = step(); !going) return going;
    written.emplace_back(name);
    act();
    if (memory.pending == 0) contradict("{} without an announcement", name);
    look_as_a_packet();
    return {};
  }

  template <typename... Args>
  void contradict(fmt::format_string<Args...> format, Args&&... args) {
    contradictions.push_back(fmt::format(format, std::forward<Args>(args)...) + ", at call " +
                             std::to_string(calls - 1));
  }

  static bool names(const Ring& ring, uint32_t backend) {
    return std::any_of(ring.begin(), ring.end(), [&](const RingSlot& slot) {
      return slot.backend == backend || slot.previous == backend;
    });
  }

  // What a ring leaves out because it is down must say so itself, for the flows it has.
  void expect_down_records(uint32_t service) {
    for (const auto& [key, backend] : memory.backends) {
      auto record = memory.records.find(backend.number);
      if (backend.service != service || record == memory.records.end()) continue;
      const bool down = effective_state(backend) == BackendState::down;
      if (down != (record->second.state == BackendState::down)) {
        contradict("the ring knows of backend {} what its record does not", backend.number);
      }
    }
  }

  void look_as_a_packet() {
    std::set<std::tuple<Prefix, uint16_t, L4Proto>> keys;
    std::set<Address> reply_addresses;
    std::set<uint32_t> nat_backends;
    for (const TableEntry& entry : memory.table) {
      const Endpoint& at = entry.endpoint;
      if (!keys.emplace(at.prefix(), at.port, at.l4_proto).second) {
        contradict("{} is twice in the service table", at.text());
      }
      if ((entry.flags & SLUICE_SERVICE_REPLIES) != 0) reply_addresses.insert(at.address);
      if ((entry.flags & SLUICE_SERVICE_NAT_REPLIES) != 0) nat_backends.insert(entry.salt);
    }
    for (const TableEntry& entry : memory.table) {
      constexpr uint32_t no_service =
          SLUICE_SERVICE_REPLIES | SLUICE_SERVICE_NAT_REPLIES | SLUICE_SERVICE_ADDRESS;
      if ((entry.flags & no_service) == 0) look_at_service(entry, reply_addresses, nat_backends);
    }
  }

  // Of the service itself, or already of the service that is about to replace it.
  bool is_at_endpoint(const TableEntry& entry) const {
    const auto endpoint = memory.endpoints.find(entry.endpoint);
    if (endpoint == memory.endpoints.end()) return false;
    if (endpoint->second == entry.service) return true;
    return std::any_of(memory.services.begin(), memory.services.end(), [&](const auto& named) {
      const Service& service = named.second;
      return service.number == endpoint->second && !service.removing &&
             service.endpoint == entry.endpoint;
    });
  }

  void look_at_service(const TableEntry& entry, const std::set<Address>& reply_addresses,
                       const std::set<uint32_t>& nat_backends) {
    if (std::none_of(memory.services.begin(), memory.services.end(),
                     [&](const auto& named) { return named.second.number == entry.service; })) {
      contradict("the service table names service {}, which is none", entry.service);
    }
    if (!entry.endpoint.is_prefix() && !is_at_endpoint(entry)) {
      contradict(
          "service {} takes packets at {}, which is of {}", entry.service, entry.endpoint.text(),
          memory.endpoints.contains(entry.endpoint) ? memory.endpoints.at(entry.endpoint) : 0);
    }
    look_at_filters(entry);
    std::set<uint32_t> named;
    const auto ring = memory.rings.find(entry.service);
    for (const RingSlot& slot : ring == memory.rings.end() ? Ring{} : ring->second) {
      named.insert(slot.backend);
      named.insert(slot.previous);
    }
    named.erase(0);
    for (uint32_t backend : named) {
      auto record = memory.records.find(backend);
      if (record == memory.records.end() || record->second.service != entry.service) {
        contradict("the ring of {} names backend {}, which has no record", entry.service, backend);
        continue;
      }
      const Mode mode = record->second.mode;
      if (mode == Mode::snat ? !reply_addresses.contains(record->second.source)
                             : mode == Mode::nat && !nat_backends.contains(backend)) {
        contradict("replies of backend {} are not known", backend);
      }
      if (((entry.flags & SLUICE_SERVICE_TRANSLATED) != 0) != (mode == Mode::snat)) {
        contradict("the service table and backend {} differ in the mode", backend);
      }
    }
  }

  // A service that admits only allowed clients has a filter that allows.
  void look_at_filters(const TableEntry& entry) {
    const auto allows = [&](const auto& named) {
      return named.second.service == entry.service && named.second.action == FilterAction::allow;
    };
    if ((entry.flags & SLUICE_SERVICE_DENIES) != 0 &&
        std::none_of(memory.filters.begin(), memory.filters.end(), allows)) {
      contradict("service {} denies every client", entry.service);
    }
  }
};

}  // namespace sluice::test
