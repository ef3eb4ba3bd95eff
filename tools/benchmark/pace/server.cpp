// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/pace/server.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "kernel/state/records.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/system_error.h"
#include "pace.skel.h"
#include "sluice/counters.h"
#include "sluice/departure.h"
#include "sluice/instance.h"
#include "sluice/limits.h"

namespace sluice::benchmark {
namespace {

constexpr uint32_t kService = 1;
constexpr uint16_t kPort = 443;

template <typename Key, typename Value>
Result<void> put(const bpf_map* map, const Key& key, const Value& value) {
  if (bpf_map__update_elem(map, &key, sizeof(key), &value, sizeof(value), BPF_ANY) != 0)
    return failed("map {}: update: {}", bpf_map__name(map), error_text(errno));
  return {};
}

}  // namespace

Endpoint Server::endpoint(bool v6) {
  sluice_address raw{};
  if (v6) {
    raw = {{0x20, 0x01, 0x0d, 0xb8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  } else {
    raw = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 1}};
  }
  return {Address(raw), kPort, L4Proto::tcp};
}

Result<Server> Server::make(uint32_t flows) {
  Server server;
  libbpf_log_take();
  server.skeleton_.reset(pace_bpf__open(), pace_bpf__destroy);
  if (!server.skeleton_) return failed("pace: opening it: {}", libbpf_log_take());
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, server.skeleton_->obj) bpf_map__set_pin_path(map, nullptr);
  // A quarter more than the flows: an LRU table evicts before it is full.
  const uint32_t room = std::max<uint32_t>(SLUICE_FLOWS_DEFAULT, flows + flows / 4);
  const uint32_t slots = std::bit_ceil(room);
  const uint32_t lines = slots / SLUICE_DEPARTURES_OF_LINE;
  bpf_map__set_max_entries(server.skeleton_->maps.paced_flows, room);
  bpf_map__set_max_entries(server.skeleton_->maps.departures, lines);
  bpf_map__set_max_entries(server.skeleton_->maps.departure_names, slots);
  // A fixed seed, so that every run has the same collisions.
  for (size_t i = 0; i < SLUICE_SEED_WORDS; i++) {
    const_cast<__u64&>(server.skeleton_->rodata->seed.words[i]) = 0x9e3779b97f4a7c15 * (2 * i + 1);
  }
  server.skeleton_->rodata->departures_mask = lines - 1;
  if (pace_bpf__load(server.skeleton_.get()) != 0)
    return failed("pace: loading it: {}", libbpf_log_take());
  for (const bool v6 : {false, true}) {
    const sluice_endpoint at = endpoint(v6).raw();
    TRY(put(server.skeleton_->maps.endpoints, at, kService));
  }
  return server;
}

Result<void> Server::set_policy(const std::optional<Policy>& policy) {
  const bpf_map* policies = skeleton_->maps.policies;
  if (policy) return put(policies, kService, policy_record(*policy));
  if (bpf_map__delete_elem(policies, &kService, sizeof(kService), 0) != 0 && errno != ENOENT)
    return failed("map policies: removal: {}", error_text(errno));
  return {};
}

int Server::program() const {
  return bpf_program__fd(skeleton_->progs.pace_egress_edt);
}

Result<uint64_t> Server::count(Counters counters, sluice_verdict verdict) {
  const uint32_t service = counters == Counters::service ? kService : 0;
  std::vector<std::array<sluice_counter, SLUICE_VERDICTS_MAX>> cpus(
      static_cast<size_t>(libbpf_num_possible_cpus()));
  static_assert(sizeof(cpus[0]) == sizeof(sluice_verdict_counters));
  if (bpf_map__lookup_elem(skeleton_->maps.verdicts, &service, sizeof(service), cpus.data(),
                           cpus.size() * sizeof(cpus[0]), 0) != 0)
    return failed("map verdicts: look-up of {}: {}", service, error_text(errno));
  uint64_t packets = 0;
  for (const auto& cpu : cpus) packets += cpu.at(verdict).packets;
  return packets;
}

}  // namespace sluice::benchmark
