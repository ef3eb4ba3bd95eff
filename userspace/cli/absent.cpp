// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/absent.h"

#include "kernel/system/routes.h"
#include "sluice/limits.h"

namespace sluice {
namespace {

tl::unexpected<Error> nothing_to_write() {
  return failed(
      "instance: it is not there, so nothing can be written to it; add a service first: "
      "sluice service add NAME ADDR:PORT/PROTO");
}

}  // namespace

Capacities AbsentDataplane::capacities() const {
  return {.services = SLUICE_SERVICES_DEFAULT,
          .backends = SLUICE_BACKENDS_DEFAULT,
          .filters = SLUICE_SOURCE_FILTERS_DEFAULT,
          .client_weights = SLUICE_CLIENT_WEIGHTS_DEFAULT,
          .flows = SLUICE_FLOWS_DEFAULT};
}

uint32_t AbsentDataplane::now_s() const {
  return 0;
}
const sluice_seed& AbsentDataplane::seed() const {
  static constexpr sluice_seed none{};
  return none;
}

Result<std::vector<Service>> AbsentDataplane::services() {
  return std::vector<Service>{};
}
Result<std::vector<Backend>> AbsentDataplane::backends() {
  return std::vector<Backend>{};
}
Result<std::vector<std::pair<uint32_t, Policy>>> AbsentDataplane::policies() {
  return std::vector<std::pair<uint32_t, Policy>>{};
}
Result<std::vector<Filter>> AbsentDataplane::filters() {
  return std::vector<Filter>{};
}
Result<void> AbsentDataplane::put_service(const Service&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::erase_service(const Service&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::put_backend(const Backend&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::erase_backend(const Backend&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::put_policy(uint32_t, const Policy&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::erase_policy(uint32_t) {
  return {};
}
Result<std::vector<ClientWeight>> AbsentDataplane::client_weights() {
  return std::vector<ClientWeight>{};
}
Result<void> AbsentDataplane::put_client_weight(const ClientWeight&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::erase_client_weight(const ClientWeight&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::put_filters(const std::vector<Filter>&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::erase_filters(const std::vector<Filter>&) {
  return nothing_to_write();
}

Result<void> AbsentDataplane::write_all(const Writes&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::put_journal(const Writes&) {
  return nothing_to_write();
}
Result<std::optional<Writes>> AbsentDataplane::journal() {
  return std::optional<Writes>{};
}
Result<void> AbsentDataplane::erase_journal() {
  return {};
}

Result<uint32_t> AbsentDataplane::pending() {
  return 0U;
}
Result<void> AbsentDataplane::set_pending(uint32_t) {
  return nothing_to_write();
}

Result<Ring> AbsentDataplane::ring(const Service&) {
  return Ring{};
}
Result<void> AbsentDataplane::swap_ring(const Service&, const Ring&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::erase_ring(uint32_t) {
  return {};
}
Result<void> AbsentDataplane::swap_service_table(const std::vector<TableEntry>&) {
  return nothing_to_write();
}
Result<bool> AbsentDataplane::knows_replies_to(const Address&) {
  return false;
}
Result<void> AbsentDataplane::write_backend(const Service&, const Backend&, const Address&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::erase_backend_record(uint32_t) {
  return nothing_to_write();
}
Result<std::vector<uint64_t>> AbsentDataplane::backends_freed() {
  return std::vector<uint64_t>{};
}
Result<void> AbsentDataplane::set_endpoints(const std::vector<std::pair<Endpoint, uint32_t>>&) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::set_endpoint(const Endpoint&, uint32_t) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::purge_backends(const std::vector<uint32_t>&) {
  return nothing_to_write();
}
Result<std::vector<TrackedFlow>> AbsentDataplane::tracked_flows() {
  return std::vector<TrackedFlow>{};
}
Result<void> AbsentDataplane::purge_flows(const std::vector<TrackedFlow>&) {
  return nothing_to_write();
}

// The kernel's own table, which needs no instance: a dry run asks it as the change would.
Result<Route> AbsentDataplane::route_towards(const Address& destination) {
  return sluice::route_towards(destination);
}
Result<std::optional<Address>> AbsentDataplane::backend_source(uint32_t) {
  return std::optional<Address>{};
}

Result<std::vector<Address>> AbsentDataplane::backend_sources(const std::vector<uint32_t>&) {
  return std::vector<Address>{};
}

Result<Traffic> AbsentDataplane::backend_traffic(uint32_t) {
  return Traffic{};
}
Result<void> AbsentDataplane::clear_backend_traffic(uint32_t) {
  return nothing_to_write();
}
Result<void> AbsentDataplane::clear_verdicts(uint32_t) {
  return nothing_to_write();
}
Result<FlowTotals> AbsentDataplane::flow_totals(uint32_t) {
  return FlowTotals{};
}
Result<std::vector<VerdictCount>> AbsentDataplane::verdicts(uint32_t) {
  return std::vector<VerdictCount>{};
}

}  // namespace sluice
