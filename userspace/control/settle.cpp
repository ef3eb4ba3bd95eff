// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/settle.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "control/commit.h"
#include "model/flow_slot.h"
#include "model/sweep.h"
#include "sluice/instance.h"

namespace sluice {

namespace {

using FlowsByService = std::map<uint32_t, std::vector<TrackedFlow>>;

// The hash that picks the flow's slot.
uint32_t hash_in(const PacketPath& packet_path, const Service& service, const TrackedFlow& flow) {
  const uint32_t ports =
      service.affinity == Affinity::flow ? flow_ports(flow.flow) : affinity_salt(service);
  return flow_hash(packet_path.seed(), flow.flow, ports);
}

struct Sweeping {
  const Service* service = nullptr;
  Sweep sweep;
};

std::vector<FlowInRing> flows_in_ring(const PacketPath& packet_path, const Service& service,
                                      const std::set<uint32_t>& down,
                                      const std::vector<TrackedFlow>& flows) {
  std::vector<FlowInRing> in_ring;
  in_ring.reserve(flows.size());
  for (const TrackedFlow& flow : flows) {
    in_ring.push_back({hash_in(packet_path, service, flow), flow.backend,
                       flow_lives(service, flow.seen_s, flow.half_open, down.contains(flow.backend),
                                  packet_path.now_s())});
  }
  return in_ring;
}

// Those of these services whose rings move.
Result<std::vector<Sweeping>> plan(PacketPath& packet_path, const Configuration& configuration,
                                   const std::vector<const Service*>& services) {
  std::vector<Sweeping> moving;
  for (const Service* service : services) {
    auto ring = TRY(packet_path.ring(*service));
    if (ring_moving_slots(ring) == 0) continue;
    moving.push_back({service, {}});
    moving.back().sweep.ring = std::move(ring);
  }
  if (moving.empty()) return moving;
  std::set<uint32_t> down;
  for (const Backend& backend : configuration.backends) {
    if (effective_state(backend) == BackendState::down) down.insert(backend.number);
  }
  auto flows = TRY(tracked_by_service(packet_path, configuration));
  for (auto& [service, sweep] : moving) {
    sweep = ring_sweep(*service, std::move(sweep.ring),
                       flows_in_ring(packet_path, *service, down, flows[service->number]),
                       packet_path.now_s());
  }
  return moving;
}

Result<std::map<uint32_t, size_t>> carry_out_sweeps(Dataplane dataplane,
                                                    const Configuration& configuration,
                                                    const std::vector<Sweeping>& sweeps) {
  std::vector<uint32_t> settling;
  std::vector<std::pair<Service, Ring>> rings;
  for (const auto& [service, sweep] : sweeps) {
    if (sweep.settled == 0) continue;
    settling.push_back(service->number);
    rings.emplace_back(*service, sweep.ring);
  }
  std::map<uint32_t, size_t> purged;
  if (settling.empty()) return purged;
  const uint32_t pending = settling.size() == 1 ? settling.front() : SLUICE_PENDING_ALL;
  // The first swap is the commit; each swap is complete in itself.
  auto next = rings.begin();
  const auto swap_next = [&] {
    const auto& [service, ring] = *next++;
    return dataplane.packet_path.swap_rings({{service, ring}});
  };
  const auto swap_others_and_purge = [&]() -> Result<void> {
    while (next != rings.end()) TRY(swap_next());
    purged = TRY(purge_settled_flows(dataplane.packet_path, configuration, settling));
    return {};
  };
  TRY(announce(dataplane.configuration, pending, swap_next, swap_others_and_purge));
  return purged;
}

}  // namespace

Result<FlowsByService> tracked_by_service(PacketPath& packet_path,
                                          const Configuration& configuration) {
  std::unordered_map<uint32_t, uint32_t> services;
  for (const Backend& backend : configuration.backends) services[backend.number] = backend.service;
  auto flows = TRY(packet_path.tracked_flows());
  FlowsByService by_service;
  for (const TrackedFlow& flow : flows) {
    const auto found = services.find(flow.backend);
    if (found != services.end()) by_service[found->second].push_back(flow);
  }
  return by_service;
}

Result<std::map<uint32_t, size_t>> purge_settled_flows(PacketPath& packet_path,
                                                       const Configuration& configuration,
                                                       const std::vector<uint32_t>& services) {
  auto flows = TRY(tracked_by_service(packet_path, configuration));
  std::map<uint32_t, size_t> counts;
  std::vector<TrackedFlow> gone;
  for (const Service& service : configuration.services) {
    const auto tracked = flows.find(service.number);
    if (tracked == flows.end() ||
        std::find(services.begin(), services.end(), service.number) == services.end())
      continue;
    auto ring = TRY(packet_path.ring(service));
    for (const TrackedFlow& flow : tracked->second) {
      if (ring.empty() || ring[slot_of(hash_in(packet_path, service, flow), ring.size())].moving)
        continue;
      gone.push_back(flow);
      counts[service.number]++;
    }
  }
  if (gone.empty()) return counts;
  TRY(packet_path.purge_flows(gone));
  return counts;
}

Result<std::vector<Settling>> settle_services(Dataplane dataplane,
                                              const std::optional<std::string>& name, Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  std::vector<const Service*> services;
  if (name) {
    auto service = TRY(find_service(configuration, *name));
    services.push_back(service);
  } else {
    for (const Service& service : configuration.services) {
      if (!service.removing) services.push_back(&service);
    }
  }

  auto sweeps = TRY(plan(dataplane.packet_path, configuration, services));
  std::map<uint32_t, size_t> purged;
  if (apply == Apply::perform) {
    auto done = TRY(carry_out_sweeps(dataplane, configuration, sweeps));
    purged = std::move(done);
  }
  std::vector<Settling> settled;
  for (const auto& [service, sweep] : sweeps) {
    settled.push_back({service->name, sweep.settled, sweep.moving, sweep.departing,
                       purged[service->number], sweep.youngest_s});
  }
  // A service that is asked for by name has an answer even if nothing moves.
  if (name && settled.empty()) settled.push_back({.service = *name});
  return settled;
}

std::string settling_text(const Settling& settling) {
  const auto count = [](size_t number, const char* noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
  };
  if (settling.settled + settling.moving == 0)
    return fmt::format("service {}: nothing moves", settling.service);
  std::string text =
      fmt::format("service {}: settled {}", settling.service, count(settling.settled, "slot"));
  if (settling.purged > 0) text += fmt::format(" and purged {}", count(settling.purged, "flow"));
  if (settling.moving == 0) return text;
  return text + fmt::format(
                    "; {} still move{}: {} depart{} from the ring, the youngest change is "
                    "{} s old",
                    settling.moving, settling.moving == 1 ? "s" : "",
                    count(settling.departing, "tracked flow"), settling.departing == 1 ? "s" : "",
                    settling.youngest_s);
}

}  // namespace sluice
