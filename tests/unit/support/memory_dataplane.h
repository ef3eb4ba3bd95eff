// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An instance in memory. It can be told to fail, or to die like a killed process, at its n-th call.
// After each write it looks at itself as a packet does, and notes every contradiction.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "control/ports/memory_instance.h"

namespace sluice::test {

using Memory = InstanceMemory;
using Record = MemoryRecord;

// SIGKILL, as near as a test gets to it.
struct Died {};

class MemoryDataplane : public MemoryInstance {
 public:
  MemoryDataplane() { limits = {64, 256, 16, 16, 1024}; }
  explicit MemoryDataplane(Memory start) : MemoryDataplane() { memory = std::move(start); }

  std::optional<size_t> die_at;   // before the call of this index, from 0
  std::optional<size_t> fail_at;  // instead of it
  size_t calls = 0;
  std::vector<std::string> written;         // names of the calls that change something, in order
  std::vector<std::string> contradictions;  // empty: whole at every moment
  std::set<std::string> unreachable;        // addresses that route_towards() has no route to
  std::map<std::string, Route> routes;      // what it says of others than usual

  uint32_t clock_s = 1000;
  sluice_seed hash_seed = seed_of_tests();

  [[nodiscard]] uint32_t now_s() const override { return clock_s; }
  [[nodiscard]] const sluice_seed& seed() const override { return hash_seed; }

  Result<void> put_journal(const Writes& writes) override {
    TRY(MemoryInstance::put_journal(writes));
    if (memory.pending != 0) contradict("a journal while another change is pending");
    return {};
  }

  Result<void> swap_rings(const std::vector<std::pair<Service, Ring>>& rings) override {
    for (const auto& each : rings) {
      TRY(MemoryInstance::swap_rings({each}));
      if (!each.second.empty()) expect_down_records(each.first.number);
    }
    return {};
  }

  Result<void> erase_backend_record(uint32_t backend) override {
    TRY(MemoryInstance::erase_backend_record(backend));
    if (memory.backends_with_tracked_flows.contains(backend)) {
      contradict("the record of backend {} goes before its flows", backend);
    }
    return {};
  }

  Result<void> purge_backends(const std::vector<uint32_t>& backends) override {
    TRY(MemoryInstance::purge_backends(backends));
    for (const uint32_t backend : backends) {
      for (const auto& [service, ring] : memory.rings) {
        if (names(ring, backend)) contradict("backend {} is purged before its ring", backend);
      }
    }
    return {};
  }

  Result<Route> route_towards(const Address& destination) override {
    TRY(before_read());
    if (unreachable.contains(destination.text())) {
      return failed("no route to {}", destination.text());
    }
    const auto found = routes.find(destination.text());
    if (found != routes.end()) return found->second;
    return Route{Address::parse(destination.is_v4() ? "10.0.0.1" : "2001:db8::1").value(), true,
                 1500};
  }

 protected:
  Result<void> before_read() override {
    const size_t call = calls++;
    if (die_at == call) throw Died{};
    if (fail_at == call) return failed("call {} was told to fail", call);
    return {};
  }
  Result<void> before_write() override { return before_read(); }

  void after_write(const char* name) override {
    written.emplace_back(name);
    if (memory.pending == 0) contradict("{} without an announcement", name);
    look_as_a_packet();
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
