// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/congestion/cost.h"

#include <arpa/inet.h>
#include <linux/perf_event.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "benchmark/congestion/hosts.h"
#include "linkem/emulator.h"
#include "linkem/netns.h"

namespace sluice::benchmark {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kRoundTrip = 20ms;
constexpr auto kWarmUp = 3s;
constexpr auto kMeasured = 8s;
constexpr auto kIdle = 1s;
// Shorter in virtual time, which repeats exactly and of which a second takes half a minute.
constexpr auto kWarmUpVirtual = 1500ms;
constexpr auto kMeasuredVirtual = 2s;
constexpr auto kIdleVirtual = 200ms;
// The interval at which devices and sockets are polled. The cost of idle polling is subtracted.
constexpr auto kEvery = 50us;
constexpr uint16_t kPort = 5001;

// The kernel's work on this processor so far: with hardware counters, the instructions in kernel
// mode; in virtual time, where an instruction takes a nanosecond, all time not spent waiting in
// user space, so the emulation of the link is included.
class Work {
 public:
  static Result<Work> open(bool virtual_time) {
    if (virtual_time) return Work(Fd(), usual_look());
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.size = sizeof(attributes);
    attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
    attributes.exclude_user = 1;
    attributes.exclude_hv = 1;
    Fd fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0)));
    if (!fd.valid())
      return failed(
          "cost: this machine has no instruction counter ({}); measure in a virtual machine with "
          "--virtual-time, see tools/bench --help",
          strerror(errno));
    return Work(std::move(fd), {});
  }

  [[nodiscard]] uint64_t read() const {
    if (!counter_.valid())
      return static_cast<uint64_t>((Clock::now().time_since_epoch() - waited_).count());
    uint64_t count = 0;
    return ::read(counter_.get(), &count, sizeof(count)) == sizeof(count) ? count : 0;
  }

  // Polls the clock until `then`. If the kernel runs in between, a poll takes longer than usual,
  // and the excess is counted as the kernel's work.
  void wait_until(Clock::time_point then) {
    for (auto last = Clock::now(); last < then;) {
      const auto now = Clock::now();
      waited_ += now - last < 2 * look_ ? now - last : look_;
      last = now;
    }
  }

 private:
  Work(Fd counter, Clock::duration look) : counter_(std::move(counter)), look_(look) {}

  static Clock::duration usual_look() {
    std::vector<Clock::duration> looks(1001);
    auto last = Clock::now();
    for (auto& look : looks) {
      const auto now = Clock::now();
      look = now - last;
      last = now;
    }
    const auto middle = looks.begin() + static_cast<std::ptrdiff_t>(looks.size() / 2);
    std::nth_element(looks.begin(), middle, looks.end());
    return *middle;
  }

  Fd counter_;
  Clock::duration look_;
  Clock::duration waited_{};
};

// Pins the thread to one processor, with the highest normal priority.
class OneProcessor {
 public:
  OneProcessor() {
    sched_getaffinity(0, sizeof(before_), &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(std::max(sched_getcpu(), 0)), &one);
    sched_setaffinity(0, sizeof(one), &one);
    setpriority(PRIO_PROCESS, 0, -20);
  }
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;
  ~OneProcessor() {
    sched_setaffinity(0, sizeof(before_), &before_);
    setpriority(PRIO_PROCESS, 0, 0);
  }

 private:
  cpu_set_t before_{};
};

struct Counts {
  uint64_t all = 0;
  uint64_t receiver = 0;
  uint64_t delivered_bytes = 0;
  double seconds = 0;
};

struct Pump {
  Work& work;
  End& left;
  End& right;
  linkem::Direction& data;
  linkem::Direction& acknowledgements;
  Fd sender, receiver;
  std::vector<char> zeros = std::vector<char>(256 * 1024);

  Result<Counts> run(Clock::duration lasts) {
    Counts counts;
    const auto began = Clock::now();
    const uint64_t before = work.read();
    for (auto next = began; next < began + lasts; next += kEvery) {
      work.wait_until(next);
      acknowledgements.deliver(left.tun);
      if (sender.valid())
        while (send(sender.get(), zeros.data(), zeros.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
        }
      if (!data.take(left.tun)) return failed("cost: the device is gone");
      const uint64_t between = work.read();
      data.deliver(right.tun);
      if (receiver.valid()) {
        ssize_t got = 0;
        while ((got = recv(receiver.get(), nullptr, 1 << 20, MSG_TRUNC | MSG_DONTWAIT)) > 0)
          counts.delivered_bytes += static_cast<uint64_t>(got);
      }
      if (!acknowledgements.take(right.tun)) return failed("cost: the device is gone");
      counts.receiver += work.read() - between;
    }
    counts.all = work.read() - before;
    counts.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    return counts;
  }
};

sockaddr_in address_of(const char* text) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(kPort);
  inet_pton(AF_INET, text, &in.sin_addr);
  return in;
}

Result<Fd> socket_in(const Fd& netns) {
  const auto visit = TRY(linkem::NamespaceVisit::enter(netns));
  return Fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// Connects; the handshake passes the link.
Result<void> join(Pump& pump, const std::string& algorithm) {
  const Fd listener = TRY(socket_in(pump.left.netns));
  Fd receiver = TRY(socket_in(pump.right.netns));
  const sockaddr_in at = address_of("10.0.0.1");
  if (setsockopt(listener.get(), IPPROTO_TCP, TCP_CONGESTION, algorithm.data(),
                 static_cast<socklen_t>(algorithm.size())) != 0 ||
      bind(listener.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)) != 0 ||
      ::listen(listener.get(), 1) != 0)
    return failed("cost: {}: {}", algorithm, strerror(errno));
  connect(receiver.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at));
  for (int tries = 0; tries < 100 && !pump.sender.valid(); tries++) {
    TRY(pump.run(10ms));
    pump.sender.reset(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }
  if (!pump.sender.valid()) return failed("cost: no connection in a second");
  pump.receiver = std::move(receiver);
  return {};
}

}  // namespace

Result<Cost> measure_cost(const std::string& algorithm, const Governed& governed, double rate_mbit,
                          bool virtual_time) {
  const OneProcessor processor;
  Work work = TRY(Work::open(virtual_time));
  End left = TRY(make_host({"10.0.0.1"}, false));
  End right = TRY(make_host({"10.0.0.2"}, false));

  linkem::LinkShape shape{.rate_bytes_per_sec = static_cast<uint64_t>(rate_mbit * 125000),
                          .delay = kRoundTrip / 2};
  shape.buffer_bytes = static_cast<uint64_t>(static_cast<double>(shape.rate_bytes_per_sec) *
                                             std::chrono::duration<double>(kRoundTrip).count());
  linkem::Direction data(shape, {}, 1);
  linkem::Direction acknowledgements({.delay = kRoundTrip / 2}, {}, 2);
  Pump pump{work, left, right, data, acknowledgements, {}, {}};

  const Counts idle = TRY(pump.run(virtual_time ? kIdleVirtual : kIdle));
  TRY(join(pump, algorithm == "sluice" ? governed.name : algorithm));
  TRY(pump.run(virtual_time ? kWarmUpVirtual : kWarmUp));
  const Counts counts = TRY(pump.run(virtual_time ? kMeasuredVirtual : kMeasured));

  // Subtracts the cost of polling.
  const auto net = [&](uint64_t busy, uint64_t at_rest) {
    return static_cast<double>(busy) / counts.seconds - static_cast<double>(at_rest) / idle.seconds;
  };
  const double kb_per_s = static_cast<double>(counts.delivered_bytes) / 1000 / counts.seconds;
  if (kb_per_s <= 0) return failed("cost: {}: nothing was delivered", algorithm);
  Cost cost;
  cost.receiver_per_kb = net(counts.receiver, idle.receiver) / kb_per_s;
  cost.sender_per_kb = net(counts.all - counts.receiver, idle.all - idle.receiver) / kb_per_s;
  cost.goodput_mbit = kb_per_s * 8 / 1000;
  return cost;
}

}  // namespace sluice::benchmark
