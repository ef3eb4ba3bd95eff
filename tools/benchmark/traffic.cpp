// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/traffic.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <array>
#include <cstring>

#include "benchmark/bpf/rounds.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/routes.h"
#include "kernel/system/system_error.h"
#include "rounds.skel.h"

namespace sluice::benchmark {
namespace {

using Bytes = std::array<uint8_t, sizeof(rounds::headers)>;

// 2001:db8:c:: and 2001:db8:5::; rounds.bpf.c fills in the lower 32 bits.
constexpr std::array<uint8_t, 6> kClientPrefix{0x20, 0x01, 0x0d, 0xb8, 0x00, 0x0c};
constexpr std::array<uint8_t, 6> kServicePrefix{0x20, 0x01, 0x0d, 0xb8, 0x00, 0x05};

void put_tcp(Bytes& bytes, size_t at, Opening opening) {
  tcphdr tcp{};
  tcp.seq = htonl(1000);
  tcp.doff = 5;
  tcp.syn = opening == Opening::yes;
  tcp.ack = opening == Opening::no;
  tcp.window = htons(1024);
  memcpy(bytes.data() + at, &tcp, sizeof(tcp));
}

Bytes headers_v4(Opening opening) {
  Bytes bytes{};
  iphdr ip{};
  ip.version = 4;
  ip.ihl = 5;
  ip.tot_len = htons(ROUNDS_BYTES_V4 - ETH_HLEN);
  ip.ttl = 64;
  ip.protocol = IPPROTO_TCP;
  memcpy(bytes.data(), &ip, sizeof(ip));
  put_tcp(bytes, sizeof(ip), opening);
  return bytes;
}

Bytes headers_v6(Opening opening) {
  Bytes bytes{};
  ipv6hdr ip{};
  ip.version = 6;
  ip.payload_len = htons(ROUNDS_BYTES_V6 - ETH_HLEN - sizeof(ip));
  ip.nexthdr = IPPROTO_TCP;
  ip.hop_limit = 64;
  memcpy(&ip.saddr, kClientPrefix.data(), kClientPrefix.size());
  memcpy(&ip.daddr, kServicePrefix.data(), kServicePrefix.size());
  memcpy(bytes.data(), &ip, sizeof(ip));
  put_tcp(bytes, sizeof(ip), opening);
  return bytes;
}

}  // namespace

Result<uint32_t> device_with_xdp(const std::string& device) {
  const uint32_t ifindex = TRY(device_index(device));
  const Traffic traffic = TRY(Traffic::load(ifindex));
  const int error = bpf_xdp_attach(static_cast<int>(ifindex), traffic.empty_program(), 0, nullptr);
  if (error != 0) return failed("{}: attaching an XDP program: {}", device, error_text(-error));
  return ifindex;
}

Result<Traffic> Traffic::load(uint32_t ifindex) {
  Traffic traffic;
  libbpf_log_take();
  traffic.skeleton_.reset(rounds_bpf__open_and_load(), rounds_bpf__destroy);
  if (!traffic.skeleton_) return failed("rounds: loading it: {}", libbpf_log_take());
  traffic.ifindex_ = ifindex;
  return traffic;
}

int Traffic::empty_program() const {
  return bpf_program__fd(skeleton_->progs.empty);
}

int Traffic::encapsulation_program() const {
  return bpf_program__fd(skeleton_->progs.encapsulation);
}

void Traffic::prepare(const Stream& stream) {
  v6_ = stream.v6;
  auto& out = *reinterpret_cast<::rounds*>(&skeleton_->bss->rounds);
  out = {};
  out.count = stream.first;
  out.flow_mask = stream.flows - 1;
  out.services = stream.services;
  const uint32_t elsewhere = stream.not_ours ? 0x00100000 : 0;
  out.services_at[0] = ROUNDS_SERVICES_AT + elsewhere;
  out.services_at[1] = ROUNDS_SERVICES_AT;
  out.port[0] = htons(kServicePort);
  out.port[1] = htons(stream.not_ours ? kServicePort + 1 : kServicePort);
  const Bytes bytes = stream.v6 ? headers_v6(stream.opening) : headers_v4(stream.opening);
  memcpy(out.headers, bytes.data(), bytes.size());
  // Locally administered MACs of a gateway and the director.
  ethhdr ethernet{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, 0};
  ethernet.h_proto = htons(stream.v6 ? ETH_P_IPV6 : ETH_P_IP);
  memcpy(out.ethernet, &ethernet, sizeof(ethernet));
}

Result<void> Traffic::aim_at(int program) {
  const uint32_t zero = 0;
  if (bpf_map__update_elem(skeleton_->maps.under_test, &zero, sizeof(zero), &program,
                           sizeof(program), BPF_ANY) != 0)
    return failed("rounds: the program under test cannot be tail-called: {}", error_text(errno));
  return {};
}

Result<void> Traffic::send(uint32_t packets) {
  const uint32_t bytes = v6_ ? ROUNDS_BYTES_V6 : ROUNDS_BYTES_V4;
  std::array<uint8_t, ROUNDS_BYTES_V6> frame{};
  xdp_md context{};
  context.data_end = bytes;
  context.ingress_ifindex = ifindex_;
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = frame.data();
  options.data_size_in = bytes;
  options.ctx_in = &context;
  options.ctx_size_in = sizeof(context);
  options.repeat = static_cast<int>(packets);
  const auto* round = v6_ ? skeleton_->progs.round_v6 : skeleton_->progs.round_v4;
  if (bpf_prog_test_run_opts(bpf_program__fd(round), &options) != 0)
    return failed("rounds: test run: {}", error_text(errno));
  return {};
}

uint64_t Traffic::sent() const {
  return skeleton_->bss->rounds.count;
}

}  // namespace sluice::benchmark
