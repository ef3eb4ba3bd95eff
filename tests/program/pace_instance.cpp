// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pace_instance.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <fmt/format.h>

#include <cstring>
#include <stdexcept>

#include "pace.skel.h"
#include "pure/departure_slot.h"
#include "pure/hash.h"
#include "sluice/limits.h"
#include "sluice/service.h"

namespace sluice::packets {
namespace {

constexpr uint32_t services_in_tests = 8;
constexpr uint32_t flows_in_tests = 1024;

constexpr uint32_t departure_lines = 512;

uint64_t seed_in_tests(size_t word) {
  return 0x9e3779b97f4a7c15 * (2 * word + 1);
}

void check(int error, const char* what) {
  if (error != 0) throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(-error)));
}

}  // namespace

PaceInstance::PaceInstance() : skeleton_(pace_bpf__open()) {
  if (skeleton_ == nullptr) throw std::runtime_error("pace: the object does not open");
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton_->obj) bpf_map__set_pin_path(map, nullptr);
  bpf_map__set_max_entries(skeleton_->maps.paced_flows, flows_in_tests);
  bpf_map__set_max_entries(skeleton_->maps.departures, departure_lines);
  bpf_map__set_max_entries(skeleton_->maps.departure_names,
                           departure_lines * SLUICE_DEPARTURES_OF_LINE);
  for (size_t i = 0; i < SLUICE_SEED_WORDS; i++) {
    const_cast<__u64&>(skeleton_->rodata->seed.words[i]) = seed_in_tests(i);
  }
  skeleton_->rodata->departures_mask = departure_lines - 1;
  const int error = pace_bpf__load(skeleton_);
  if (error != 0) {
    pace_bpf__destroy(skeleton_);
    check(error, "pace: load");
  }
}

PaceInstance::~PaceInstance() {
  pace_bpf__destroy(skeleton_);
}

void PaceInstance::add_endpoint(const sluice_endpoint& endpoint, uint32_t service) {
  check(bpf_map__update_elem(skeleton_->maps.endpoints, &endpoint, sizeof(endpoint), &service,
                             sizeof(service), BPF_ANY),
        "endpoints");
}

void PaceInstance::set_service(const sluice_service_config& config) {
  check(bpf_map__update_elem(skeleton_->maps.service_configs, &config.service,
                             sizeof(config.service), &config, sizeof(config), BPF_ANY),
        "service_configs");
}

void PaceInstance::set_policy(uint32_t service, uint64_t flow_rate_bytes_per_sec,
                              uint32_t window_bytes) {
  sluice_policy policy{};
  policy.flow_rate_bytes_per_sec = flow_rate_bytes_per_sec;
  policy.window_bytes = window_bytes;
  check(bpf_map__update_elem(skeleton_->maps.policies, &service, sizeof(service), &policy,
                             sizeof(policy), BPF_ANY),
        "policies");
}

void PaceInstance::set_policy(uint32_t service, const sluice_policy& policy) {
  check(bpf_map__update_elem(skeleton_->maps.policies, &service, sizeof(service), &policy,
                             sizeof(policy), BPF_ANY),
        "policies");
}

void PaceInstance::set_weight(uint32_t service, const sluice_address& prefix, uint32_t bits,
                              uint32_t weight) {
  sluice_filter_key key{};
  key.bits = SLUICE_FILTER_KEY_BITS + bits;
  key.service = service;
  std::memcpy(key.address, prefix.bytes, sizeof(key.address));
  check(bpf_map__update_elem(skeleton_->maps.client_weights, &key, sizeof(key), &weight,
                             sizeof(weight), BPF_ANY),
        "client_weights");
}

PaceOutcome PaceInstance::run(PaceHook hook, const Frame& frame, PaceMetadata metadata) {
  const bpf_program* program = hook == PaceHook::ingress  ? skeleton_->progs.pace_ingress
                               : hook == PaceHook::egress ? skeleton_->progs.pace_egress
                                                          : skeleton_->progs.pace_egress_edt;
  PaceOutcome outcome;
  outcome.frame.bytes.resize(frame.size() + 256);
  __sk_buff context{};
  context.tstamp = metadata.tstamp;
  context.wire_len = metadata.wire_len;
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.data_in = frame.bytes.data();
  options.data_size_in = static_cast<uint32_t>(frame.size());
  options.data_out = outcome.frame.bytes.data();
  options.data_size_out = static_cast<uint32_t>(outcome.frame.size());
  options.ctx_in = &context;
  options.ctx_size_in = sizeof(context);
  options.ctx_out = &context;
  options.ctx_size_out = sizeof(context);
  check(bpf_prog_test_run_opts(bpf_program__fd(program), &options), "pace: test run");
  outcome.metadata = {.tstamp = context.tstamp, .wire_len = context.wire_len};
  outcome.action = static_cast<int>(options.retval);
  outcome.frame.bytes.resize(options.data_size_out);
  return outcome;
}

sluice_counter PaceInstance::verdict(uint32_t service, sluice_verdict verdict) const {
  std::vector<sluice_verdict_counters> cpus(static_cast<size_t>(libbpf_num_possible_cpus()));
  check(bpf_map__lookup_elem(skeleton_->maps.verdicts, &service, sizeof(service), cpus.data(),
                             cpus.size() * sizeof(cpus[0]), 0),
        "verdicts");
  sluice_counter sum{};
  for (const sluice_verdict_counters& cpu : cpus) {
    std::array<sluice_counter, SLUICE_VERDICTS_MAX> counters{};
    static_assert(sizeof(counters) == sizeof(cpu));
    std::memcpy(counters.data(), &cpu, sizeof(cpu));
    sum.packets += counters.at(verdict).packets;
    sum.bytes += counters.at(verdict).bytes;
  }
  return sum;
}

uint64_t PaceInstance::verdicts_of_all_services() const {
  uint64_t packets = 0;
  for (uint32_t service = 0; service < services_in_tests; service++) {
    for (int i = 0; i < SLUICE_VERDICT_COUNT; i++) {
      packets += verdict(service, static_cast<sluice_verdict>(i)).packets;
    }
  }
  return packets;
}

std::optional<sluice_paced_flow> PaceInstance::flow(const sluice_flow& key) const {
  sluice_paced_flow out{};
  if (bpf_map__lookup_elem(skeleton_->maps.paced_flows, &key, sizeof(key), &out, sizeof(out), 0) !=
      0) {
    return std::nullopt;
  }
  return out;
}

void PaceInstance::set_flow(const sluice_flow& key, const sluice_paced_flow& flow) {
  check(bpf_map__update_elem(skeleton_->maps.paced_flows, &key, sizeof(key), &flow, sizeof(flow),
                             BPF_ANY),
        "paced_flows");
}

sluice_departure_line PaceInstance::line(uint32_t number) const {
  sluice_departure_line line{};
  check(bpf_map__lookup_elem(skeleton_->maps.departures, &number, sizeof(number), &line,
                             sizeof(line), 0),
        "departures");
  return line;
}

std::optional<uint32_t> PaceInstance::slot(const sluice_flow& key) const {
  std::array<__u64, SLUICE_SEED_WORDS> seed{};
  for (size_t i = 0; i < seed.size(); i++) seed.at(i) = seed_in_tests(i);
  const uint64_t hash = flow_hash_whole(seed.data(), &key);
  for (const uint32_t number : {departure_slot_first(hash, departure_lines - 1),
                                departure_slot_second(hash, departure_lines - 1)}) {
    const sluice_departure_line found = line(number);
    const int at = departure_slot_index(&found, departure_slot_tag(hash));
    if (at >= 0) return number * SLUICE_DEPARTURES_OF_LINE + static_cast<uint32_t>(at);
  }
  return std::nullopt;
}

std::optional<sluice_departure> PaceInstance::departure(const sluice_flow& key) const {
  const auto number = slot(key);
  if (!number) return std::nullopt;
  const sluice_departure_line found = line(*number / SLUICE_DEPARTURES_OF_LINE);
  return found.flows[*number % SLUICE_DEPARTURES_OF_LINE];
}

void PaceInstance::set_departs(const sluice_flow& key, uint64_t departs_ns) {
  const uint32_t number = slot(key).value();
  const uint32_t at = number / SLUICE_DEPARTURES_OF_LINE;
  sluice_departure_line changed = line(at);
  changed.flows[number % SLUICE_DEPARTURES_OF_LINE].departs_ns = departs_ns;
  check(bpf_map__update_elem(skeleton_->maps.departures, &at, sizeof(at), &changed, sizeof(changed),
                             BPF_ANY),
        "departures");
}

std::optional<sluice_departure_name> PaceInstance::departure_name(const sluice_flow& key) const {
  const auto number = slot(key);
  if (!number) return std::nullopt;
  sluice_departure_name name{};
  check(bpf_map__lookup_elem(skeleton_->maps.departure_names, &*number, sizeof(*number), &name,
                             sizeof(name), 0),
        "departure_names");
  return name;
}

std::optional<sluice_share> PaceInstance::share(uint32_t service) const {
  sluice_share share{};
  if (bpf_map__lookup_elem(skeleton_->maps.shares, &service, sizeof(service), &share, sizeof(share),
                           0) != 0) {
    return std::nullopt;
  }
  return share;
}

sluice_flow flow_key(const Host& from, const Host& to, Family family, uint16_t source_port,
                     uint16_t destination_port, uint8_t l4_proto) {
  sluice_flow key{};
  key.source = from.at(family);
  key.destination = to.at(family);
  key.source_port = htobe16(source_port);
  key.destination_port = htobe16(destination_port);
  key.l4_proto = l4_proto;
  return key;
}

}  // namespace sluice::packets
