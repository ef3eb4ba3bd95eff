// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Services, backends, policies and rings of the stage, written as the daemon and the commands do.
#include "control/derive.h"
#include "control/views.h"
#include "must.h"
#include "stage.h"

namespace sluice::stage {

constexpr uint8_t kRingBits = 8;

// Each swap waits for the packets in flight, so several changes share one.
void Stage::publish() {
  if (published_) return;
  published_ = true;
  must(dataplane_->packet_path.swap_service_table(
      must_have(table_entries(dataplane_->packet_path, configuration_))));
  must(dataplane_->packet_path.set_endpoints(endpoints_of(configuration_)));
}

Service service_at(Family family, const Host& host, uint16_t port, L4Proto l4_proto, Mode mode) {
  Service service;
  service.mode = mode;
  service.endpoint = {Address(host.at(family)), port, l4_proto};
  return service;
}

Service Stage::add_service(Family family, const Host& host, uint16_t port, L4Proto l4_proto,
                           Mode mode, bool paced) {
  return add_service(service_at(family, host, port, l4_proto, mode),
                     paced ? Policy{.flow_rate_bytes_per_sec = 1000000} : Policy{});
}

Service Stage::add_service(Service service, const Policy& policy) {
  service.number = static_cast<uint32_t>(configuration_.services.size()) + 1;
  service.ring_bits = kRingBits;
  configuration_.services.push_back(service);
  must(dataplane_->configuration.write_all({.services = {service}}));
  if (policy != Policy{}) {
    must(dataplane_->configuration.write_all({.policies = {{service.number, policy}}}));
    configuration_.policies.emplace_back(service.number, policy);
  }
  published_ = false;
  return service;
}

void Stage::add_filter(const Service& service, std::string_view prefix, FilterAction action) {
  configuration_.filters.push_back(
      {.service = service.number, .prefix = must_have(Prefix::parse(prefix)), .action = action});
  must(dataplane_->configuration.write_all({.filters = {configuration_.filters.back()}}));
  published_ = false;
}

Backend Stage::add_backend(const Service& service, Family family, const Host& host,
                           BackendState state, uint16_t port) {
  Backend backend;
  backend.service = service.number;
  backend.at = {Address(host.at(family)), port};
  backend.number = static_cast<uint32_t>(configuration_.backends.size()) + 1;
  backend.state = state;
  configuration_.backends.push_back(backend);
  write(service, backend);
  published_ = false;
  return backend;
}

void Stage::write(const Service& service, const Backend& backend) {
  const Family family = backend.at.address.is_v4() ? Family::v4 : Family::v6;
  must(dataplane_->packet_path.write_backend(service, backend,
                                             Address(packets::director.at(family))));
}

// The service must have a non-empty policy: add_service() decided by it how packets are handled.
void Stage::set_policy(const Service& service, const Policy& policy) {
  must(dataplane_->configuration.write_all({.policies = {{service.number, policy}}}));
}

void Stage::set_state(const Service& service, Backend backend, BackendState state) {
  backend.state = state;
  write(service, backend);
}

void Stage::set_ring(const Service& service, const Ring& ring) {
  set_ring_of_age(service, ring, 0);
}

void Stage::set_ring_of_age(const Service& service, Ring ring, uint32_t age_s) {
  for (RingSlot& slot : ring) slot.since_s = now_s() - age_s;
  must(dataplane_->packet_path.swap_rings({{service, ring}}));
}

void Stage::settle(const Service& service, const Backend& backend) {
  set_ring(service, Ring(size_t{1} << service.ring_bits,
                         RingSlot{.backend = backend.number, .previous = 0, .moving = false}));
}

}  // namespace sluice::stage
