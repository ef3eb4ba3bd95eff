// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/director.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "benchmark/bpf/rounds.h"
#include "benchmark/traffic.h"
#include "kernel/state/objects.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/system_error.h"
#include "sluice/limits.h"

namespace sluice::benchmark {
namespace {

// 10,000 services with ten backends each are 100,000 servers. A single service has more backends,
// as otherwise a million translated flows exhaust the ports.
constexpr uint32_t kBackendsEach = 10;
constexpr uint32_t kBackendsAlone = 64;
constexpr uint32_t kBackendsAt = 0x0a000000;  // 10.0.0.0, and 2001:db8:b::
constexpr uint32_t kSourceAt = 0x0afe0001;    // 10.254.0.1, and 2001:db8:fe::1
constexpr uint8_t kServiceSubnet = 0x05;
constexpr uint8_t kBackendSubnet = 0x0b;
constexpr uint8_t kSourceSubnet = 0xfe;

Address address(bool v6, uint8_t subnet, uint32_t low) {
  sluice_address raw{};
  if (v6) {
    const uint8_t prefix[] = {0x20, 0x01, 0x0d, 0xb8, 0x00, subnet};
    memcpy(raw.bytes, prefix, sizeof(prefix));
  } else {
    raw.bytes[10] = raw.bytes[11] = 0xff;
  }
  for (size_t i = 0; i < 4; i++) raw.bytes[12 + i] = static_cast<uint8_t>(low >> (24 - 8 * i));
  return Address(raw);
}

// A fixed seed, so that the figures of two builds compare; splitmix64.
sluice_instance root_of_benchmark() {
  sluice_instance root{};
  root.schema = SLUICE_SCHEMA_VERSION;
  uint64_t state = 1;
  for (auto& word : root.seed.words) {
    state += 0x9e3779b97f4a7c15;
    uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    word = mixed ^ (mixed >> 31);
  }
  root.punt_mac = 0x060504030202;
  return root;
}

}  // namespace

Tally operator-(const Tally& a, const Tally& b) {
  return {a.to_backends - b.to_backends, a.connections - b.connections, a.not_ours - b.not_ours,
          a.otherwise - b.otherwise};
}

Director::Director(const Plan& plan)
    : plan_(plan),
      backends_each_(plan.services == 1 ? kBackendsAlone : kBackendsEach),
      directory_(instance_directory(fmt::format("+benchmark-{}", getpid()))) {}

Director::~Director() {
  // Remains vanish with the mount namespace of the benchmark.
  (void)remove_tree(directory_);
}

Result<std::unique_ptr<Director>> Director::make(const Plan& plan) {
  std::unique_ptr<Director> director(new Director(plan));
  TRY(director->load());
  TRY(director->write_services());
  TRY(director->set_rings(Rings::settled));
  return director;
}

Result<void> Director::load() {
  // A quarter more than the flows: an LRU table evicts before it is full.
  const InstanceLimits limits{
      .services = std::max<uint32_t>(SLUICE_SERVICES_DEFAULT, plan_.services),
      .backends = std::max<uint32_t>(SLUICE_BACKENDS_DEFAULT, plan_.services * backends_each_),
      .flows = std::max<uint32_t>(SLUICE_FLOWS_DEFAULT, plan_.flows + plan_.flows / 4)};
  const sluice_instance root = root_of_benchmark();
  TRY(make_directory(directory_));
  TRY(load_objects(directory_, limits, root));
  TRY(TRY(Map<uint32_t, sluice_instance>::open(directory_, "instance")).put(0, root));
  rings_ = TRY(RingStore::open(directory_));
  dataplane_ = TRY(KernelDataplane::open(directory_));
  program_.reset(bpf_obj_get((directory_ + "/programs/steer").c_str()));
  if (!program_.valid()) return failed("program steer: {}", error_text(errno));
  return {};
}

Result<void> Director::write_services() {
  const Address source = address(plan_.v6, kSourceSubnet, kSourceAt);
  std::vector<TableEntry> entries;
  uint32_t number = 1;
  for (uint32_t i = 0; i < plan_.services; i++) {
    Service service;
    service.number = i + 1;
    service.mode = plan_.mode;
    service.endpoint = {address(plan_.v6, kServiceSubnet, ROUNDS_SERVICES_AT + i), kServicePort,
                        L4Proto::tcp};
    entries.push_back(
        {.endpoint = service.endpoint,
         .service = service.number,
         .flags = plan_.mode == Mode::snat ? uint32_t{SLUICE_SERVICE_TRANSLATED} : 0});
    for (uint32_t j = 0; j < backends_each_; j++, number++) {
      Backend backend;
      backend.service = service.number;
      backend.number = number;
      backend.at = {address(plan_.v6, kBackendSubnet, kBackendsAt + number), kServicePort};
      TRY(dataplane_->packet_path.write_backend(service, backend, source));
    }
  }
  if (plan_.mode == Mode::snat)
    entries.push_back({.endpoint = {.address = source, .l4_proto = L4Proto::any},
                       .flags = SLUICE_SERVICE_REPLIES});
  return dataplane_->packet_path.swap_service_table(entries);
}

// As PacketPath::swap_rings(), but without waiting for packets in flight: there are none.
Result<void> Director::set_rings(Rings rings) {
  for (uint32_t service = 1; service <= plan_.services; service++) {
    TRY(write_ring(service, rings));
  }
  return {};
}

Result<void> Director::write_ring(uint32_t service, Rings rings) {
  const uint8_t bits = ring_bits_for(backends_each_, 0);
  const uint32_t first_backend = (service - 1) * backends_each_ + 1;
  std::vector<RingMember> members;
  for (uint32_t backend = first_backend; backend < first_backend + backends_each_; backend++) {
    const HostPort at{address(plan_.v6, kBackendSubnet, kBackendsAt + backend), kServicePort};
    members.push_back({backend, backend_identity(at), 100});
  }
  Ring ring;
  for (const uint32_t backend : maglev_build(members, bits)) {
    const uint32_t next = (backend - first_backend + 1) % backends_each_ + first_backend;
    ring.push_back({.backend = backend,
                    .previous = rings == Rings::moving ? next : 0,
                    .moving = rings != Rings::settled});
  }
  return rings_.write(service, ring_lines(ring, SLUICE_IDLE_TIMEOUT_S_DEFAULT), bits);
}

Result<Tally> Director::tally() {
  Tally tally;
  for (uint32_t backend = 1; backend <= plan_.services * backends_each_; backend++) {
    const sluice::Traffic traffic = TRY(dataplane_->counters.backend_traffic(backend));
    tally.to_backends += traffic.packets;
    tally.connections += traffic.connections;
  }
  for (uint32_t service = 0; service <= plan_.services; service++) {
    const auto verdicts = TRY(dataplane_->counters.verdicts(service));
    for (const auto& verdict : verdicts) {
      if (verdict.verdict == SLUICE_VERDICT_NOT_OURS) {
        tally.not_ours += verdict.packets;
      } else {
        tally.otherwise += verdict.packets;
      }
    }
  }
  return tally;
}

Result<std::vector<TrackedFlow>> Director::tracked() {
  return dataplane_->packet_path.tracked_flows();
}

}  // namespace sluice::benchmark
