// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "program/bulk_flow.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace sluice::bulk {
namespace {

void require(bool done, const std::string& what) {
  if (!done) throw std::runtime_error(what + ": " + strerror(errno));
}

sockaddr_storage loopback(bool v6, uint16_t port, socklen_t& length) {
  sockaddr_storage storage{};
  if (v6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    address.sin6_port = htons(port);
    std::memcpy(&storage, &address, length = sizeof(address));
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    std::memcpy(&storage, &address, length = sizeof(address));
  }
  return storage;
}

sluice_endpoint endpoint_of(const sockaddr_storage& storage) {
  sluice_endpoint endpoint{};
  endpoint.l4_proto = IPPROTO_TCP;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof(address));
    std::memcpy(endpoint.address.bytes, &address.sin6_addr, 16);
    endpoint.port = address.sin6_port;
  } else {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof(address));
    endpoint.address.bytes[10] = endpoint.address.bytes[11] = 0xff;
    std::memcpy(endpoint.address.bytes + 12, &address.sin_addr, 4);
    endpoint.port = address.sin_port;
  }
  return endpoint;
}

}  // namespace

std::string enter_fresh_namespace() {
  if (unshare(CLONE_NEWNET) != 0) return std::string("new network namespace: ") + strerror(errno);
  const Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_mtu = 1500;
  if (ioctl(socket.get(), SIOCSIFMTU, &request) != 0)
    return std::string("set the loopback's MTU: ") + strerror(errno);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0)
    return std::string("set the loopback up: ") + strerror(errno);
  return {};
}

std::string ask_for_ecn(int value) {
  const char* path = "/proc/sys/net/ipv4/tcp_ecn";
  const Fd file(open(path, O_WRONLY | O_CLOEXEC));
  const std::string text = std::to_string(value);
  if (!file.valid() || write(file.get(), text.data(), text.size()) < 0)
    return std::string(path) + ": " + strerror(errno);
  return {};
}

// A tc program: if (random() % packets == 0) bpf_skb_ecn_set_ce(skb), which does not change packets
// that are not ECN-capable.
std::string mark_one_in(uint32_t packets) {
  const bpf_insn program[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_CALL,
       .dst_reg = 0,
       .src_reg = 0,
       .off = 0,
       .imm = BPF_FUNC_get_prandom_u32},
      {.code = BPF_ALU | BPF_MOD | BPF_K,
       .dst_reg = 0,
       .src_reg = 0,
       .off = 0,
       .imm = static_cast<int>(packets)},
      {.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 2, .imm = 0},
      {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 6, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_CALL,
       .dst_reg = 0,
       .src_reg = 0,
       .off = 0,
       .imm = BPF_FUNC_skb_ecn_set_ce},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  };
  const Fd loaded(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "mark", "GPL", program,
                                sizeof(program) / sizeof(program[0]), nullptr));
  if (!loaded.valid()) return std::string("load a program that marks: ") + strerror(errno);
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = 1, .attach_point = BPF_TC_EGRESS);
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = loaded.get());
  const int hooked = bpf_tc_hook_create(&hook);
  if (hooked != 0 && hooked != -EEXIST) return std::string("clsact: ") + strerror(-hooked);
  const int attached = bpf_tc_attach(&hook, &options);
  return attached == 0 ? "" : std::string("attach: ") + strerror(-attached);
}

BulkFlow::BulkFlow(const std::string& congestion, Family family, uint16_t port) : family_(family) {
  const int domain = family == Family::v4 ? AF_INET : AF_INET6;
  socklen_t length = 0;
  sockaddr_storage address = loopback(domain == AF_INET6, port, length);
  if (family == Family::v4_mapped) reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_any;

  const Fd listener(::socket(domain, SOCK_STREAM, 0));
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  require(setsockopt(listener.get(), IPPROTO_TCP, TCP_CONGESTION, congestion.data(),
                     static_cast<socklen_t>(congestion.size())) == 0,
          "choose congestion control " + congestion);
  require(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length) == 0, "bind");
  require(listen(listener.get(), 1) == 0, "listen");

  address = loopback(family == Family::v6, port, length);
  receiver_.reset(::socket(address.ss_family, SOCK_STREAM, 0));
  require(connect(receiver_.get(), reinterpret_cast<sockaddr*>(&address), length) == 0, "connect");
  sender_.reset(accept(listener.get(), nullptr, nullptr));
  require(sender_.valid(), "accept");

  reading_ = std::thread([this] {
    std::vector<char> buffer(1 << 18);
    for (;;) {
      const ssize_t got = recv(receiver_.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return;
      received_ += static_cast<uint64_t>(got);
    }
  });
}

BulkFlow::~BulkFlow() {
  close();
}

void BulkFlow::send_without_end() {
  sending_ = std::thread([this] {
    const std::vector<char> buffer(1 << 16, 'x');
    while (send(sender_.get(), buffer.data(), buffer.size(), MSG_NOSIGNAL) > 0) {
    }
  });
}

void BulkFlow::send_one_byte() {
  require(send(sender_.get(), "x", 1, MSG_NOSIGNAL) == 1, "send");
}

void BulkFlow::pace(uint64_t payload_bytes_per_sec) {
  require(setsockopt(sender_.get(), SOL_SOCKET, SO_MAX_PACING_RATE, &payload_bytes_per_sec,
                     sizeof(payload_bytes_per_sec)) == 0,
          "SO_MAX_PACING_RATE");
}

void BulkFlow::lose(Loss loss) {
  if (loss == Loss::none) {
    const int ignored = 0;
    setsockopt(receiver_.get(), SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof(ignored));
    return;
  }
  // A filter on a TCP socket drops segments before TCP sees them: one in 64, or every one.
  sock_filter some[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 63, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffffU),
  };
  sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  sock_fprog program{};
  program.len = loss == Loss::some ? 4 : 1;
  program.filter = loss == Loss::some ? some : all;
  require(setsockopt(receiver_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0,
          "attach a filter");
}

void BulkFlow::close() {
  if (!sender_.valid()) return;
  // An abort, so that no socket lingers with unsent data.
  const linger abort{1, 0};
  setsockopt(sender_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  shutdown(sender_.get(), SHUT_RDWR);
  shutdown(receiver_.get(), SHUT_RDWR);
  if (sending_.joinable()) sending_.join();
  if (reading_.joinable()) reading_.join();
  sender_.reset();
  receiver_.reset();
}

sluice_endpoint BulkFlow::server() const {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  getsockname(sender_.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return endpoint_of(address);
}

sluice_flow BulkFlow::name() const {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  getpeername(sender_.get(), reinterpret_cast<sockaddr*>(&address), &length);
  const sluice_endpoint client = endpoint_of(address);
  const sluice_endpoint end = server();
  sluice_flow flow{};
  flow.source = client.address;
  flow.source_port = client.port;
  flow.destination = end.address;
  flow.destination_port = end.port;
  flow.l4_proto = IPPROTO_TCP;
  return flow;
}

tcp_info BulkFlow::info() const {
  tcp_info info{};
  socklen_t length = sizeof(info);
  require(getsockopt(sender_.get(), IPPROTO_TCP, TCP_INFO, &info, &length) == 0, "TCP_INFO");
  return info;
}

uint64_t BulkFlow::wire_bytes() const {
  const tcp_info now = info();
  const uint64_t ip = family_ == Family::v6 ? 40 : 20;
  const uint64_t tcp = now.tcpi_options & TCPI_OPT_TIMESTAMPS ? 32 : 20;
  return now.tcpi_bytes_sent + now.tcpi_data_segs_out * (ip + tcp);
}

}  // namespace sluice::bulk
