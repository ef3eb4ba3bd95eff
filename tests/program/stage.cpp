// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Its environment: namespaces, programs and maps; test runs and counters. stage_services.cpp has
// the services.
#include "stage.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <stdexcept>

#include "control/views.h"
#include "kernel/state/objects.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/libbpf_log.h"
#include "must.h"

namespace sluice::stage {
namespace {

constexpr const char* kDirectory = "/sys/fs/bpf/stage";
constexpr InstanceLimits kLimits{.services = 64, .backends = 64, .flows = 32768};

Fd program(const std::string& name) {
  Fd fd(bpf_obj_get(fmt::format("{}/programs/{}", kDirectory, name).c_str()));
  if (!fd.valid()) fail(fmt::format("program {}: {}", name, error_text(errno)));
  return fd;
}

// A map that is not pinned, found through the program that uses it.
Fd map_of(const Fd& program, std::string_view name) {
  std::array<uint32_t, 64> ids{};
  bpf_prog_info info{};
  uint32_t info_bytes = sizeof(info);
  info.nr_map_ids = ids.size();
  info.map_ids = reinterpret_cast<uintptr_t>(ids.data());
  must_call(bpf_obj_get_info_by_fd(program.get(), &info, &info_bytes), "program");
  for (uint32_t i = 0; i < std::min<uint32_t>(info.nr_map_ids, ids.size()); i++) {
    Fd map(bpf_map_get_fd_by_id(ids.at(i)));
    bpf_map_info map_info{};
    uint32_t map_info_bytes = sizeof(map_info);
    must_call(bpf_obj_get_info_by_fd(map.get(), &map_info, &map_info_bytes), "map");
    if (name == map_info.name) return map;
  }
  fail(fmt::format("no map {}", name));
}

template <typename Key, typename Value>
void erase_all(Map<Key, Value>& table) {
  std::vector<Key> keys;
  for (const auto& [key, value] : must_have(table.entries())) keys.push_back(key);
  if (keys.empty()) return;
  auto count = static_cast<uint32_t>(keys.size());
  must_call(bpf_map_delete_batch(table.fd(), keys.data(), &count, nullptr), "deleting flows");
}

}  // namespace

Stage& Stage::get() {
  static std::unique_ptr<Stage> stage;
  static std::string failure;
  // A failure is final: it is not tried again for each of hundreds of tests.
  if (!failure.empty()) throw std::runtime_error(failure);
  try {
    if (!stage) stage.reset(new Stage());
    must_call(setns(stage->network_.get(), CLONE_NEWNET), "setns");
  } catch (const std::runtime_error& error) {
    failure = error.what();
    throw;
  }
  return *stage;
}

Stage::Stage() {
  // Fixed, so that failures repeat; odd, as the multilinear hash requires.
  for (size_t i = 0; i < SLUICE_SEED_WORDS; i++) {
    root_.seed.words[i] = 0x9e3779b97f4a7c15 * (2 * i + 1);
  }
  root_.schema = SLUICE_SCHEMA_VERSION;
  memcpy(&root_.punt_mac, punt_sent.mac.data(), punt_sent.mac.size());
  enter_namespaces();
  build_network();
  front_ifindex_ = if_nametoindex("front");
  back_ifindex_ = if_nametoindex("back");
  load();
}

void Stage::enter_namespaces() {
  must_call(unshare(CLONE_NEWNET | CLONE_NEWNS), "unshare");
  must_call(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "making mounts private");
  must_call(mount("stage", kBpffsRoot, "bpf", 0, nullptr), "mounting a bpffs");
  network_.reset(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!network_.valid()) fail("its network namespace cannot be opened");
  // One CPU, so that per-CPU values have one copy.
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<size_t>(std::max(sched_getcpu(), 0)), &cpus);
  must_call(sched_setaffinity(0, sizeof(cpus), &cpus), "staying on one CPU");
}

void Stage::load() {
  must(make_directory(kDirectory));
  must(load_objects(kDirectory, kLimits, root_));
  auto instance = must_have(Map<uint32_t, sluice_instance>::open(kDirectory, "instance"));
  must(instance.put(0, root_));
  dataplane_ = must_have(KernelDataplane::open(kDirectory));
  flows_ = must_have(Tracked::open(kDirectory, "flows"));
  half_open_ = must_have(Tracked::open(kDirectory, "half_open"));
  translations_ = must_have(Translations::open(kDirectory, "translations"));
  fragments_ = must_have(Fragments::open(kDirectory, "fragments"));
  paced_flows_ = must_have(PacedFlows::open(kDirectory, "paced_flows"));
  admissions_ = must_have(Admissions::open(kDirectory, "admissions"));
  requests_ = must_have(Requests::open(kDirectory, "requests"));
  policings_ = must_have(Admissions::open(kDirectory, "policings"));
  devices_ = must_have(Map<uint32_t, uint32_t>::open(kDirectory, "devices"));
  reports_ = map_of(program("steer_slow"), "reports");
  // As attaching steer to both would: packets that leave by other devices are punted.
  auto devices = must_have(Map<uint32_t, uint32_t>::open(kDirectory, "devices"));
  for (const uint32_t ifindex : {front_ifindex_, back_ifindex_})
    must(devices.put(ifindex, ifindex));
  steer_ = program("steer");
  decap_ = program("decap");
  punt_ = program("punt");
}

void Stage::measure(const Service& service) {
  must(ask_latencies(kDirectory, {service.number}, now_s() + 60));
}

Latency Stage::latency(const Backend& backend) {
  return must_have(read_latencies(kDirectory, {backend.number})).at(backend.number);
}

void Stage::clear() {
  published_ = false;
  erase_all(requests_);
  for (const Service& service : configuration_.services) {
    must(dataplane_->packet_path.swap_rings({{service, Ring{}}}));
    must(dataplane_->configuration.erase_service(service));
    must(dataplane_->counters.clear_verdicts(service.number));
    must(dataplane_->configuration.write_all({.policies = {{service.number, Policy{}}}}));
    must(admissions_.put(service.number, {}));
    must(ask_latencies(kDirectory, {service.number}, 0));
    must(policings_.put(service.number, {}));
  }
  must(dataplane_->counters.clear_verdicts(0));
  must(dataplane_->configuration.erase_filters(configuration_.filters));
  for (const Backend& backend : configuration_.backends) {
    must(dataplane_->packet_path.erase_backend_record(backend.number));
    must(dataplane_->counters.clear_backend_traffic(backend.number));
  }
  configuration_ = {};
  erase_all(flows_);
  erase_all(half_open_);
  erase_all(translations_);
  erase_all(fragments_);
  erase_all(paced_flows_);
  for (const Device device : {Device::front, Device::back}) {
    must(devices_.put(ifindex(device), ifindex(device)));
  }
  silence_reports(false);
}

uint32_t Stage::ifindex(Device device) const {
  return device == Device::front ? front_ifindex_ : back_ifindex_;
}

void Stage::detach(Device device) {
  must(devices_.erase(ifindex(device)));
}

void Stage::silence_reports(bool silent) {
  constexpr uint64_t next_year_ns = 365ULL * 24 * 3600 * 1000000000;
  const auto cpus = static_cast<size_t>(libbpf_num_possible_cpus());
  const std::vector<uint64_t> due_ns(cpus, silent ? now_s() * 1000000000ULL + next_year_ns : 0);
  const uint32_t zero = 0;
  must_call(bpf_map_update_elem(reports_.get(), &zero, due_ns.data(), BPF_ANY), "reports");
}

Outcome Stage::run(const Fd& program, const Frame& frame, Device device, uint32_t metadata_bytes) {
  publish();
  packets::Bytes in(metadata_bytes);
  in.insert(in.end(), frame.bytes.begin(), frame.bytes.end());
  Outcome outcome;
  outcome.frame.bytes.resize(in.size() + 256);
  xdp_md xdp{};
  xdp.data = metadata_bytes;
  xdp.data_end = static_cast<uint32_t>(in.size());
  xdp.ingress_ifindex = ifindex(device);
  __sk_buff skb{};
  skb.ifindex = ifindex(device);
  skb.ingress_ifindex = ifindex(device);
  const bool is_tc = &program == &punt_;

  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = in.data();
  options.data_size_in = static_cast<uint32_t>(in.size());
  options.data_out = outcome.frame.bytes.data();
  options.data_size_out = static_cast<uint32_t>(outcome.frame.bytes.size());
  options.ctx_in = is_tc ? static_cast<void*>(&skb) : static_cast<void*>(&xdp);
  options.ctx_size_in = is_tc ? sizeof(skb) : sizeof(xdp);
  options.repeat = 1;
  if (bpf_prog_test_run_opts(program.get(), &options) != 0) return outcome;
  outcome.action = static_cast<int>(options.retval);
  outcome.frame.bytes.resize(options.data_size_out);
  return outcome;
}

Outcome Stage::steer(const Frame& frame, Device device) {
  return run(steer_, frame, device, 0);
}

std::optional<Outcome> Stage::steer_without_room(const Frame& frame) {
  // Metadata occupies the headroom. The kernel reserves 40 of the 256 bytes before the packet,
  // which bounds the metadata.
  constexpr uint32_t most_metadata = 216;
  Outcome outcome = run(steer_, frame, Device::front, most_metadata);
  if (outcome.action < 0) return {};
  return outcome;
}

Outcome Stage::decap(const Frame& frame) {
  return run(decap_, frame, Device::back, 0);
}

Outcome Stage::punt(const Frame& frame, Device device) {
  return run(punt_, frame, device, 0);
}

Verdicts Stage::verdicts(uint32_t service) {
  Verdicts verdicts;
  for (const VerdictCount& count : must_have(dataplane_->counters.verdicts(service))) {
    verdicts[std::string(verdict_text(count.verdict).name)] = count.packets;
  }
  return verdicts;
}

FlowTotals Stage::flow_totals(uint32_t service) {
  return must_have(dataplane_->counters.flow_totals(service));
}

Traffic Stage::traffic(const Backend& backend) {
  return must_have(dataplane_->counters.backend_traffic(backend.number));
}

uint64_t Stage::counted() {
  uint64_t packets = 0;
  for (uint32_t service = 0; service <= configuration_.services.size(); service++) {
    for (const auto& [name, count] : verdicts(service)) packets += count;
  }
  for (const Backend& backend : configuration_.backends) packets += traffic(backend).packets;
  return packets;
}

void Stage::add_translations(const std::vector<sluice_flow>& flows,
                             const std::vector<sluice_translation>& translations) {
  auto count = static_cast<uint32_t>(flows.size());
  must_call(
      bpf_map_update_batch(translations_.fd(), flows.data(), translations.data(), &count, nullptr),
      "adding translations");
}

void Stage::purge(const Backend& backend) {
  must(dataplane_->packet_path.purge_backends({backend.number}));
}

uint32_t Stage::now_s() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<uint32_t>(now.tv_sec);
}

void StageTest::SetUp() {
  if (geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
  stage_ = &Stage::get();
  stage_->clear();
}

std::string family_name(const testing::TestParamInfo<Family>& info) {
  return std::string(packets::family_text(info.param));
}

std::string nesting_name(const testing::TestParamInfo<Nesting>& info) {
  return fmt::format("{}_in_{}", family_text(info.param.inner), family_text(info.param.outer));
}

}  // namespace sluice::stage
