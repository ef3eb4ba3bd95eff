// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/pace/bulk.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "kernel/system/clock.h"
#include "kernel/system/system_error.h"
#include "linkem/netns.h"

namespace sluice::benchmark {
namespace {

constexpr size_t kWriteBytes = 65536;
constexpr int kUnsentBytes = 16384;  // TCP_NOTSENT_LOWAT: more unsent data has no effect here

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  SocketAddress(const Address& address, uint16_t port) {
    const sluice_address raw = address.raw();
    if (address.is_v4()) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      memcpy(&v4.sin_addr, raw.bytes + 12, 4);
      length = sizeof(v4);
    } else {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(port);
      memcpy(&v6.sin6_addr, raw.bytes, 16);
      length = sizeof(v6);
    }
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Result<Fd> make_socket(const Address& address) {
  Fd made(socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!made.valid()) return failed("socket: {}", error_text(errno));
  return made;
}

uint32_t name_of(const Fd& receiver, const Address& client) {
  sockaddr_in6 own{};
  socklen_t length = sizeof(own);
  getsockname(receiver.get(), reinterpret_cast<sockaddr*>(&own), &length);
  uint16_t low = 0;
  memcpy(&low, client.raw().bytes + 14, sizeof(low));
  // The port has the same offset in both families.
  return uint32_t{low} << 16 | own.sin6_port;
}

uint32_t median(std::vector<uint32_t> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Result<Bulk> Bulk::open(const BulkPlan& plan) {
  Bulk bulk;
  bulk.zeros_.resize(kWriteBytes);
  bulk.poll_.reset(epoll_create1(EPOLL_CLOEXEC));
  TRY(bulk.connect_all(plan));
  return bulk;
}

Result<void> Bulk::connect_all(const BulkPlan& plan) {
  const Fd listener = TRY(make_socket(plan.server.address));
  const int yes = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  // An algorithm without pacing of its own: the benchmark measures the pacer.
  setsockopt(listener.get(), IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
  setsockopt(listener.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytes, sizeof(kUnsentBytes));
  const SocketAddress at(plan.server.address, plan.server.port);
  if (bind(listener.get(), at.get(), at.length) != 0 || listen(listener.get(), 4096) != 0)
    return failed("listening at port {}: {}", plan.server.port, error_text(errno));
  for (uint32_t i = 0; i < plan.flows; i++) {
    const Address& client = plan.clients[i % plan.clients.size()];
    {
      const auto visit = TRY(linkem::NamespaceVisit::enter(plan.client_netns));
      Fd receiver = TRY(make_socket(client));
      const SocketAddress from(client, 0);
      if (bind(receiver.get(), from.get(), from.length) != 0 ||
          connect(receiver.get(), at.get(), at.length) != 0)
        return failed("connecting flow {}: {}", i, error_text(errno));
      names_.push_back(name_of(receiver, client));
      receivers_.push_back(std::move(receiver));
    }
    Fd sender(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!sender.valid()) return failed("accepting flow {}: {}", i, error_text(errno));
    const uint32_t class_id = 1U << 16 | (i + 1);
    if (plan.classes &&
        setsockopt(sender.get(), SOL_SOCKET, SO_PRIORITY, &class_id, sizeof(class_id)) != 0)
      return failed("SO_PRIORITY: {}", error_text(errno));
    senders_.push_back(std::move(sender));
  }
  for (uint32_t i = 0; i < plan.flows; i++) {
    TRY(watch(senders_[i], EPOLLOUT));
    TRY(watch(receivers_[i], EPOLLIN));
  }
  return {};
}

Result<void> Bulk::watch(const Fd& socket, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = socket.get();
  if (epoll_ctl(poll_.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0)
    return failed("epoll: {}", error_text(errno));
  return {};
}

Result<void> Bulk::run(uint64_t ns) {
  const uint64_t until = monotonic_ns() + ns;
  std::array<epoll_event, 64> events{};
  for (uint64_t now = monotonic_ns(); now < until; now = monotonic_ns()) {
    const auto wait_ms = static_cast<int>((until - now) / 1'000'000 + 1);
    const int ready = epoll_wait(poll_.get(), events.data(), events.size(), wait_ms);
    for (int i = 0; i < ready; i++) {
      const epoll_event& event = events.at(static_cast<size_t>(i));
      ssize_t moved = 0;
      if ((event.events & EPOLLOUT) != 0) {
        moved = send(event.data.fd, zeros_.data(), zeros_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      } else {
        // MSG_TRUNC: TCP drops the bytes instead of copying them.
        moved = recv(event.data.fd, nullptr, 1 << 20, MSG_DONTWAIT | MSG_TRUNC);
        if (moved == 0) return failed("a flow ended");
      }
      if (moved < 0 && errno != EAGAIN) return failed("a flow failed: {}", error_text(errno));
    }
  }
  return {};
}

Result<BulkState> Bulk::state() const {
  BulkState state;
  std::vector<uint32_t> rtts;
  std::vector<uint32_t> least;
  for (const Fd& sender : senders_) {
    tcp_info info{};
    socklen_t length = sizeof(info);
    if (getsockopt(sender.get(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
      return failed("TCP_INFO: {}", error_text(errno));
    rtts.push_back(info.tcpi_rtt);
    least.push_back(info.tcpi_min_rtt);
    state.retransmits += info.tcpi_total_retrans;
  }
  state.rtt_us = median(rtts);
  state.min_rtt_us = median(least);
  return state;
}

}  // namespace sluice::benchmark
