// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/congestion/flows.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "linkem/netns.h"
#include "sluice/congestion.h"
#include "sluice/flow.h"

namespace sluice::benchmark {

namespace {

constexpr milliseconds kTick{100};
constexpr uint16_t kFirstPort = 5001;
constexpr size_t kWriteBytes = 256 * 1024;
// Per socket and turn, so that other sockets get their turn.
constexpr int kWritesAtOnce = 8;

sockaddr_in socket_address(const std::string& address, uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &in.sin_addr);
  return in;
}

tl::unexpected<Error> refused(const std::string& what) {
  return failed("{}: {}", what, strerror(errno));
}

sluice_address mapped(const sockaddr_in& in) {
  sluice_address address{};
  address.bytes[10] = address.bytes[11] = 0xff;
  std::memcpy(address.bytes + 12, &in.sin_addr, 4);
  return address;
}

}  // namespace

struct Flows::Flow {
  FlowRecord record;
  Ends ends;
  uint16_t port = 0;
  Fd listener, sender, receiver;
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
  bool begun = false;
  bool over = false;
  sluice_flow name{};  // its key in congestion_flows
};

Flows::Flows(const Scenario& scenario, const Governed& governed, const std::vector<Ends>& ends)
    : scenario_(scenario), governed_(governed), zeros_(kWriteBytes, '\0') {
  uint16_t port = kFirstPort;
  for (size_t i = 0; i < scenario.flows.size(); i++) {
    auto flow = std::make_unique<Flow>();
    flow->record.spec = scenario.flows[i];
    flow->ends = ends[i];
    flow->port = port++;
    flows_.push_back(std::move(flow));
  }
}

Flows::~Flows() {
  for (auto& flow : flows_) end(*flow);
}

double Flows::now_s() const {
  return std::chrono::duration<double>(Clock::now() - began_).count();
}

bool Flows::watch(const Fd& socket, uint32_t events, Flow& flow) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &flow;
  return epoll_ctl(poll_.get(), EPOLL_CTL_ADD, socket.get(), &event) == 0;
}

Result<void> Flows::choose(const Fd& socket, const std::string& said) {
  const std::string& algorithm = said == "sluice" ? governed_.name : said;
  if (setsockopt(socket.get(), IPPROTO_TCP, TCP_CONGESTION, algorithm.data(),
                 static_cast<socklen_t>(algorithm.size())) != 0) {
    return refused("congestion control " + algorithm);
  }
  return {};
}

Result<void> Flows::listen(Flow& flow) {
  flow.listener.reset(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  TRY(choose(flow.listener, flow.record.spec.algorithm));
  const sockaddr_in address = socket_address(flow.ends.sender, flow.port);
  if (bind(flow.listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
          0 ||
      ::listen(flow.listener.get(), 1) != 0 || !watch(flow.listener, EPOLLIN, flow)) {
    return refused("listen on " + flow.ends.sender);
  }
  return {};
}

Result<void> Flows::begin(Flow& flow, const Fd& receiver_netns) {
  flow.begun = true;
  flow.record.started_s = now_s();
  {
    const auto visit = TRY(linkem::NamespaceVisit::enter(receiver_netns));
    flow.receiver.reset(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }
  const sockaddr_in own = socket_address(flow.ends.receiver, 0);
  const sockaddr_in other = socket_address(flow.ends.sender, flow.port);
  if (bind(flow.receiver.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0 ||
      (connect(flow.receiver.get(), reinterpret_cast<const sockaddr*>(&other), sizeof(other)) !=
           0 &&
       errno != EINPROGRESS) ||
      !watch(flow.receiver, EPOLLIN, flow)) {
    return refused("connect to " + flow.ends.sender);
  }
  return {};
}

Result<void> Flows::accept(Flow& flow) {
  sockaddr_in peer{};
  sockaddr_in own{};
  socklen_t length = sizeof(peer);
  flow.sender.reset(accept4(flow.listener.get(), reinterpret_cast<sockaddr*>(&peer), &length,
                            SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!flow.sender.valid()) {
    if (errno == EAGAIN) return {};
    return refused("accept");
  }
  getsockname(flow.sender.get(), reinterpret_cast<sockaddr*>(&own), &length);
  flow.name.source = mapped(peer);
  flow.name.source_port = peer.sin_port;
  flow.name.destination = mapped(own);
  flow.name.destination_port = own.sin_port;
  flow.name.l4_proto = IPPROTO_TCP;
  flow.listener.reset();
  // Not before: an algorithm that needs ECN makes the SYN ECN-capable, and a server whose algorithm
  // does not need ECN then refuses it (net/ipv4/tcp_input.c, tcp_ecn_create_request).
  if (!scenario_.receiver.empty()) TRY(choose(flow.receiver, scenario_.receiver));
  if (!watch(flow.sender, EPOLLOUT | EPOLLET, flow)) return refused("watch");
  return {};
}

void Flows::send(Flow& flow) {
  const uint64_t all = flow.record.spec.bytes;
  for (int i = 0; flow.sender.valid() && (all == 0 || flow.sent_bytes < all); i++) {
    if (i == kWritesAtOnce) {
      // Edge-triggered: re-arm the event.
      epoll_event event{};
      event.events = EPOLLOUT | EPOLLET;
      event.data.ptr = &flow;
      epoll_ctl(poll_.get(), EPOLL_CTL_MOD, flow.sender.get(), &event);
      return;
    }
    const size_t size = all == 0 ? zeros_.size() : std::min(zeros_.size(), all - flow.sent_bytes);
    const ssize_t sent = ::send(flow.sender.get(), zeros_.data(), size, MSG_NOSIGNAL);
    if (sent <= 0) return;
    flow.sent_bytes += static_cast<uint64_t>(sent);
  }
}

void Flows::receive(Flow& flow) {
  if (!flow.receiver.valid()) return;
  for (int i = 0; i < kWritesAtOnce; i++) {
    // MSG_TRUNC: TCP drops the bytes instead of copying them.
    const ssize_t got = recv(flow.receiver.get(), nullptr, 1 << 20, MSG_TRUNC);
    if (got <= 0) return;
    flow.received_bytes += static_cast<uint64_t>(got);
    if (flow.record.spec.bytes > 0 && flow.received_bytes >= flow.record.spec.bytes) {
      flow.record.finished_s = now_s();
      end(flow);
      return;
    }
  }
}

// Closes with a reset, so that no packets remain in flight.
void Flows::end(Flow& flow) {
  if (flow.over) return;
  if (flow.begun) sample(flow);
  flow.over = true;
  const linger abort{1, 0};
  for (Fd* socket : {&flow.sender, &flow.receiver}) {
    if (socket->valid()) setsockopt(socket->get(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
    socket->reset();
  }
  flow.listener.reset();
}

void Flows::read_state(Flow& flow, Sample& now) {
  if (!states_.valid() || flow.record.spec.algorithm != "sluice") return;
  sluice_congestion_flow published{};
  if (bpf_map_lookup_elem(states_.get(), &flow.name, &published) != 0) return;
  now.state = static_cast<int>(published.state);
  flow.record.accurate_marks = published.accurate_marks != 0;
  flow.record.states_entered.assign(std::begin(published.entered),
                                    std::begin(published.entered) + SLUICE_CONGESTION_STATE_COUNT);
}

void Flows::sample(Flow& flow) {
  Sample now;
  now.at_s = now_s();
  now.received_bytes = flow.received_bytes;
  tcp_info info{};
  socklen_t length = sizeof(info);
  if (flow.sender.valid() &&
      getsockopt(flow.sender.get(), IPPROTO_TCP, TCP_INFO, &info, &length) == 0) {
    now.srtt_us = info.tcpi_rtt;
    now.cwnd_packets = info.tcpi_snd_cwnd;
    now.retransmitted_packets = info.tcpi_total_retrans;
    now.sent_packets = info.tcpi_data_segs_out;
    read_state(flow, now);
  }
  flow.record.samples.push_back(now);
}

// Until the tick, the end of the run or the next start or stop of a flow.
Result<void> Flows::wait_for_events(Clock::time_point tick) {
  auto next = std::min(tick, began_ + scenario_.lasts);
  for (auto& flow : flows_) {
    const FlowSpec& spec = flow->record.spec;
    if (!flow->begun) next = std::min(next, began_ + spec.start);
    if (!flow->over && spec.stop.count() > 0) next = std::min(next, began_ + spec.stop);
  }
  const auto left = std::chrono::ceil<milliseconds>(next - Clock::now());
  std::array<epoll_event, 64> events{};
  const int ready = epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()),
                               static_cast<int>(std::max<int64_t>(left.count(), 0)));
  for (int i = 0; i < ready; i++) {
    const epoll_event& event = events.at(static_cast<size_t>(i));
    Flow& flow = *static_cast<Flow*>(event.data.ptr);
    if (flow.over) continue;
    if (!flow.sender.valid() && (event.events & EPOLLIN) != 0 && flow.listener.valid())
      TRY(accept(flow));
    if ((event.events & EPOLLOUT) != 0) send(flow);
    if ((event.events & EPOLLIN) != 0) receive(flow);
  }
  return {};
}

Result<void> Flows::begin_and_end(Clock::time_point now, const Fd& receiver_netns) {
  for (auto& flow : flows_) {
    const FlowSpec& spec = flow->record.spec;
    if (!flow->begun && now >= began_ + spec.start) TRY(begin(*flow, receiver_netns));
    if (!flow->over && spec.stop.count() > 0 && now >= began_ + spec.stop) end(*flow);
  }
  return {};
}

Result<Record> Flows::run(const Fd& sender_netns, const Fd& receiver_netns,
                          linkem::Direction& link) {
  poll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!poll_.valid()) return refused("epoll");
  if (!governed_.directory.empty()) {
    states_.reset(bpf_obj_get((governed_.directory + "/congestion_flows").c_str()));
    if (!states_.valid()) return refused(governed_.directory + "/congestion_flows");
  }
  {
    const auto visit = TRY(linkem::NamespaceVisit::enter(sender_netns));
    for (auto& flow : flows_) TRY(listen(*flow));
  }

  Record record;
  began_ = Clock::now();
  auto tick = began_ + kTick;
  bool warm = false;
  while (Clock::now() < began_ + scenario_.lasts) {
    TRY(wait_for_events(tick));
    const auto now = Clock::now();
    TRY(begin_and_end(now, receiver_netns));
    if (!warm && now >= began_ + scenario_.warm_up) {
      warm = true;
      link.reset_tally();
    }
    if (now >= tick) {
      for (auto& flow : flows_) {
        if (flow->begun && !flow->over) sample(*flow);
      }
      record.queue.push_back({now_s(), static_cast<double>(link.queued_last().count()) / 1e6});
      tick += kTick;
    }
  }
  for (auto& flow : flows_) {
    end(*flow);
    record.flows.push_back(std::move(flow->record));
  }
  return record;
}

}  // namespace sluice::benchmark
