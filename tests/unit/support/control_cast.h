// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Named services and backends of the control tests, and an instance that covers most situations.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "control/changes.h"
#include "model/flow_slot.h"
#include "unit/support/memory_dataplane.h"

namespace sluice::test {

inline Endpoint endpoint(std::string_view text) {
  return Endpoint::parse(text).value();
}
inline HostPort at(std::string_view text) {
  return HostPort::parse(text).value();
}
inline Address address(std::string_view text) {
  return Address::parse(text).value();
}

inline const char* const web_endpoint = "203.0.113.10:443/tcp";
inline const char* const backend_one = "10.0.0.11:8443";
inline const char* const backend_two = "10.0.0.12:8443";
inline const char* const backend_three = "10.0.0.13:8443";
inline const char* const backend_four = "10.0.0.14:8443";
inline const char* const backend_v6 = "[2001:db8::11]:8443";

inline Result<Change> add_service(Dataplane dataplane, const std::string& name,
                                  std::string_view where, Mode mode = Mode::snat) {
  return service_add(dataplane, name, endpoint(where), {{&Service::mode, mode}}, Apply::perform);
}
inline Result<Change> add_backend(Dataplane dataplane, const std::string& service,
                                  std::string_view where, uint32_t weight = 100) {
  return backend_add(dataplane, service, at(where), weight, Apply::perform);
}
inline Result<Change> set_weight(Dataplane dataplane, const std::string& service,
                                 std::string_view where, uint32_t weight) {
  return backend_set(dataplane, service, at(where), {weight, std::nullopt}, Apply::perform);
}
inline Result<Change> set_state(Dataplane dataplane, const std::string& service,
                                std::string_view where, BackendState state) {
  return backend_set(dataplane, service, at(where), {std::nullopt, state}, Apply::perform);
}

// The sentence of a change, or of the error in its place.
inline std::string sentence(const Result<Change>& change) {
  return change ? change->sentence : change.error().text;
}
inline ErrorKind kind(const Result<Change>& change) {
  return change.error().kind;
}

inline const Service& service_in(const Memory& memory, const std::string& name) {
  const auto found =
      std::find_if(memory.services.begin(), memory.services.end(), [&](const auto& numbered) {
        return numbered.second.name == name && !numbered.second.removing;
      });
  if (found == memory.services.end()) throw std::out_of_range("no service " + name);
  return found->second;
}
inline const Backend& backend_in(const Memory& memory, const std::string& service,
                                 const std::string& where) {
  const uint32_t number = service_in(memory, service).number;
  const auto found =
      std::find_if(memory.backends.begin(), memory.backends.end(), [&](const auto& numbered) {
        return numbered.second.service == number && numbered.second.at.text() == where;
      });
  if (found == memory.backends.end()) throw std::out_of_range("no backend " + where);
  return found->second;
}
// For a test that makes a state which no command leaves.
inline Service& service_in(Memory& memory, const std::string& name) {
  return const_cast<Service&>(service_in(std::as_const(memory), name));
}
inline Backend& backend_in(Memory& memory, const std::string& service, const std::string& where) {
  return const_cast<Backend&>(backend_in(std::as_const(memory), service, where));
}
inline const Ring& ring_in(const Memory& memory, const std::string& service) {
  return memory.rings.at(service_in(memory, service).number);
}
inline size_t slots_of(const Ring& ring, uint32_t backend) {
  return static_cast<size_t>(std::count_if(
      ring.begin(), ring.end(), [&](const RingSlot& slot) { return slot.backend == backend; }));
}

// A flow from this client port, tracked for this backend and seen now.
inline TrackedFlow tracked(const MemoryDataplane& dataplane, const std::string& service,
                           const std::string& where, uint16_t port) {
  TrackedFlow tracked;
  tracked.flow.source = address("198.51.100.7").raw();
  tracked.flow.source_port = port;
  tracked.backend = backend_in(dataplane.memory, service, where).number;
  tracked.seen_s = dataplane.clock_s;
  return tracked;
}

// The same, from the first port from here on whose slot is moving.
inline TrackedFlow tracked_where_it_moves(const MemoryDataplane& dataplane,
                                          const std::string& service, const std::string& where,
                                          uint16_t port) {
  const Ring& ring = dataplane.memory.rings.at(service_in(dataplane.memory, service).number);
  for (;; port++) {
    const TrackedFlow flow = tracked(dataplane, service, where, port);
    const uint32_t hash = flow_hash(dataplane.seed(), flow.flow, flow_ports(flow.flow));
    if (ring[slot_of(hash, ring.size())].moving) return flow;
  }
}

// web: snat, a policy, two allowed prefixes, backends one (up), two (draining), three (down), with
// traffic and flows. dns: ipip, IPv6, udp, backends of both families; shares nothing with web.
// full: as many backends as its ring of the smallest size takes.
// nat: one backend, and one prefix that alone is allowed.
// all: a prefix, gue, one backend.
// idle: nothing but its endpoint.
inline MemoryDataplane busy() {
  MemoryDataplane dataplane;
  EXPECT_TRUE(add_service(dataplane, "web", web_endpoint));
  EXPECT_TRUE(add_service(dataplane, "dns", "[2001:db8::53]:53/udp", Mode::ipip));
  EXPECT_TRUE(add_service(dataplane, "full", "203.0.113.11:80/tcp", Mode::ipip));
  EXPECT_TRUE(add_service(dataplane, "idle", "203.0.113.12:80/tcp"));
  EXPECT_TRUE(add_service(dataplane, "nat", "203.0.113.13:80/tcp", Mode::nat));
  EXPECT_TRUE(add_service(dataplane, "all", "203.0.114.0/24:80/tcp", Mode::gue));
  for (const char* where : {backend_one, backend_two, backend_three}) {
    EXPECT_TRUE(add_backend(dataplane, "web", where));
  }
  EXPECT_TRUE(set_state(dataplane, "web", backend_two, BackendState::draining));
  EXPECT_TRUE(set_state(dataplane, "web", backend_three, BackendState::down));
  EXPECT_TRUE(
      policy_set(dataplane, "web",
                 {{&Policy::flow_rate_bytes_per_sec, 6'250'000}, {&Policy::window_bytes, 262'144}},
                 Apply::perform));
  for (const char* prefix : {"198.51.100.0/24", "192.0.2.0/24"}) {
    EXPECT_TRUE(filter_add(dataplane, "web", Prefix::parse(prefix).value(), FilterAction::allow,
                           Apply::perform));
  }
  EXPECT_TRUE(filter_add(dataplane, "nat", Prefix::parse("198.51.100.0/24").value(),
                         FilterAction::allow, Apply::perform));
  EXPECT_TRUE(add_backend(dataplane, "dns", "10.0.0.53:53"));
  EXPECT_TRUE(add_backend(dataplane, "dns", "[2001:db8::5353]:53", 50));
  for (size_t host = 1; host <= 4; host++) {
    EXPECT_TRUE(add_backend(dataplane, "full", fmt::format("10.0.1.{}:80", host)));
  }
  EXPECT_TRUE(add_backend(dataplane, "nat", "10.0.2.11:80"));
  EXPECT_TRUE(add_backend(dataplane, "all", "10.0.3.11:80"));
  for (const auto& [key, backend] : dataplane.memory.backends) {
    dataplane.memory.traffic[backend.number] = {100, 6000, 10};
    dataplane.memory.backends_with_tracked_flows.insert(backend.number);
  }
  dataplane.memory.flows = {tracked_where_it_moves(dataplane, "dns", "10.0.0.53:53", 1),
                            tracked_where_it_moves(dataplane, "dns", "[2001:db8::5353]:53", 2000),
                            tracked_where_it_moves(dataplane, "full", "10.0.1.1:80", 4000)};
  for (const auto& [name, service] : dataplane.memory.services) {
    dataplane.memory.no_backend[service.number] = 7;
  }
  EXPECT_TRUE(dataplane.contradictions.empty());
  dataplane.calls = 0;
  dataplane.written.clear();
  return dataplane;
}

}  // namespace sluice::test
