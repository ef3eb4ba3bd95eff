// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/pace/cost_bench.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <algorithm>
#include <cstring>

#include "benchmark/bpf/paced_rounds.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/system_error.h"
#include "paced_rounds.skel.h"

namespace sluice::benchmark {
namespace {

constexpr size_t kFrameBytes = 1514;

// 40 gbit: 303 ns per packet, about the time of a round. A single flow always has a departure time
// in the future and never one past the horizon.
constexpr uint64_t kRateBytesPerSec = 5'000'000'000;
// 100 gbit, faster than the rounds: at a lower rate the departure times would reach the horizon.
constexpr uint64_t kSharedBytesPerSec = 12'500'000'000;

template <typename Header>
size_t put(std::vector<uint8_t>& frame, size_t at, const Header& header) {
  memcpy(frame.data() + at, &header, sizeof(header));
  return at + sizeof(header);
}

// A full segment from the service; paced_rounds.bpf.c fills in the client.
std::vector<uint8_t> frame_from(const Endpoint& from) {
  std::vector<uint8_t> frame(kFrameBytes);
  const sluice_address source = from.address.raw();
  const bool v6 = !from.address.is_v4();
  ethhdr ethernet{{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, 0};
  ethernet.h_proto = htons(v6 ? ETH_P_IPV6 : ETH_P_IP);
  size_t at = put(frame, 0, ethernet);
  if (v6) {
    ipv6hdr ip{};
    ip.version = 6;
    ip.payload_len = htons(kFrameBytes - ETH_HLEN - sizeof(ip));
    ip.nexthdr = IPPROTO_TCP;
    ip.hop_limit = 64;
    memcpy(&ip.saddr, source.bytes, sizeof(ip.saddr));
    const uint8_t clients[] = {0x20, 0x01, 0x0d, 0xb8, 0x00, 0x0c};
    memcpy(&ip.daddr, clients, sizeof(clients));
    at = put(frame, at, ip);
  } else {
    iphdr ip{};
    ip.version = 4;
    ip.ihl = 5;
    ip.tot_len = htons(kFrameBytes - ETH_HLEN);
    ip.ttl = 64;
    ip.protocol = IPPROTO_TCP;
    memcpy(&ip.saddr, source.bytes + 12, sizeof(ip.saddr));
    at = put(frame, at, ip);
  }
  tcphdr tcp{};
  tcp.source = htons(from.port);
  tcp.seq = htonl(1000);
  tcp.doff = 5;
  tcp.ack = 1;
  tcp.window = htons(1024);
  put(frame, at, tcp);
  return frame;
}

// Packets on this path since the load, by the program's own counters.
Result<uint64_t> counted(Server& server, PacePath path) {
  if (path == PacePath::not_ours)
    return server.count(Server::Counters::no_service, SLUICE_VERDICT_UNPACED);
  return server.count(Server::Counters::service,
                      path == PacePath::no_policy ? SLUICE_VERDICT_UNPACED : SLUICE_VERDICT_PACED);
}

std::optional<Policy> policy_of(PacePath path) {
  Policy policy;
  if (path == PacePath::flow_rate) policy.flow_rate_bytes_per_sec = kRateBytesPerSec;
  if (path == PacePath::shared_rate) policy.rate_bytes_per_sec = kSharedBytesPerSec;
  if (policy == Policy{}) return {};
  return policy;
}

}  // namespace

Result<PacedTraffic> PacedTraffic::load() {
  PacedTraffic traffic;
  libbpf_log_take();
  traffic.skeleton_.reset(paced_rounds_bpf__open_and_load(), paced_rounds_bpf__destroy);
  if (!traffic.skeleton_) return failed("paced_rounds: loading it: {}", libbpf_log_take());
  return traffic;
}

int PacedTraffic::empty_program() const {
  return bpf_program__fd(skeleton_->progs.tc_empty);
}

Result<void> PacedTraffic::aim_at(int program) {
  const uint32_t zero = 0;
  if (bpf_map__update_elem(skeleton_->maps.tc_under_test, &zero, sizeof(zero), &program,
                           sizeof(program), BPF_ANY) != 0)
    return failed("paced_rounds: the program under test cannot be tail-called: {}",
                  error_text(errno));
  return {};
}

void PacedTraffic::prepare(const Endpoint& from, uint32_t flows) {
  frame_ = frame_from(from);
  v6_ = !from.address.is_v4();
  auto& out = *reinterpret_cast<::paced_rounds*>(&skeleton_->bss->paced_rounds);
  out = {};
  out.flows = flows;
}

Result<void> PacedTraffic::send(uint32_t packets) {
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = frame_.data();
  options.data_size_in = static_cast<uint32_t>(frame_.size());
  options.repeat = static_cast<int>(packets);
  const auto* round = v6_ ? skeleton_->progs.paced_round_v6 : skeleton_->progs.paced_round_v4;
  if (bpf_prog_test_run_opts(bpf_program__fd(round), &options) != 0)
    return failed("paced_rounds: test run: {}", error_text(errno));
  return {};
}

uint64_t PacedTraffic::sent() const {
  return skeleton_->bss->paced_rounds.count;
}

Result<PaceCostBench> PaceCostBench::open(uint32_t most_flows, const Effort& effort) {
  PacedTraffic baseline = TRY(PacedTraffic::load());
  PacedTraffic subject = TRY(PacedTraffic::load());
  Server server = TRY(Server::make(most_flows));
  return PaceCostBench(std::move(baseline), std::move(subject), std::move(server), effort);
}

Result<std::vector<Figure>> PaceCostBench::measure(const PaceCase& one,
                                                   const std::vector<uint32_t>& flows) {
  TRY(server_.set_policy(policy_of(one.path)));
  const bool empty = one.path == PacePath::empty;
  Endpoint from = Server::endpoint(one.v6);
  if (one.path == PacePath::not_ours) from.port++;
  TRY(baseline_.aim_at(baseline_.empty_program()));
  TRY(subject_.aim_at(empty ? subject_.empty_program() : server_.program()));

  std::vector<Figure> figures;
  for (const uint32_t count : flows) {
    baseline_.prepare(from, count);
    subject_.prepare(from, count);
    // One round over all flows, so that no trial has cold caches or a flow's first packet.
    const uint32_t warm = std::max(count, effort_.packets);
    TRY(baseline_.send(warm));
    TRY(subject_.send(warm));

    const uint64_t before = TRY(counted(server_, one.path));
    const uint64_t sent_before = subject_.sent();
    Figure figure{.name = std::string(one.name), .flows = count};
    TRY(run_trials(meter_, effort_, baseline_, subject_, figure));
    const uint64_t after = TRY(counted(server_, one.path));
    figure.packets = subject_.sent() - sent_before;
    figure.verified = empty ? figure.packets : after - before;
    figures.push_back(std::move(figure));
  }
  return figures;
}

}  // namespace sluice::benchmark
