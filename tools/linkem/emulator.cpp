#include "linkem/emulator.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <optional>
#include <span>

#include "linkem/ecn.h"

namespace sluice::linkem {

namespace {

// Few enough that due packets never wait long for arrivals to be read.
constexpr int kBatch = 32;
// Without offloads a TUN device hands out packets up to its MTU, which is at most this.
constexpr size_t kPacketMax = 65535;

// One flag, since a signal handler can reach nothing else.
volatile sig_atomic_t end_asked = 0;

void ask_to_end(int) {
  end_asked = 1;
}

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

// Best effort; the report's `late_us` says how good it was. The kernel may round a sleep up by the
// timer slack, 50 us by default, and on a busy machine a thread of normal priority waits its turn
// for milliseconds. A spinning thread gets no priority: it would take the core from everybody.
void run_on_time(bool spin) {
  prctl(PR_SET_TIMERSLACK, 1);
  const sched_param lowest_realtime{.sched_priority = 1};
  if (!spin) sched_setscheduler(0, SCHED_FIFO, &lowest_realtime);
}

nanoseconds clock_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

bool Direction::take(const Fd& from) {
  std::array<uint8_t, kPacketMax> buffer;  // NOLINT: filled by read
  for (int i = 0; i < kBatch; i++) {
    const ssize_t size = read(from.get(), buffer.data(), buffer.size());
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    const std::span<uint8_t> packet(buffer.data(), static_cast<size_t>(size));
    tally_.offered_packets++;
    tally_.offered_bytes += packet.size();
    const Passage passage = queue_.offer(clock_now(), packet.size(), ecn_capable(packet));
    switch (passage.fate) {
      case Fate::lost:
        tally_.dropped_random++;
        continue;
      case Fate::overflowed:
        tally_.dropped_full++;
        continue;
      case Fate::carried:
        break;
    }
    if (passage.marked) {
      mark_congestion(packet);
      tally_.marked++;
    }
    tally_.queued.add(passage.queued);
    packets_.push_back({passage.due, {packet.begin(), packet.end()}});
  }
  return true;
}

void Direction::deliver(const Fd& to) {
  while (!packets_.empty()) {
    const Packet& packet = packets_.front();
    const nanoseconds now = clock_now();
    if (packet.due > now) return;
    if (write(to.get(), packet.bytes.data(), packet.bytes.size()) < 0) {
      tally_.refused++;
    } else {
      tally_.late.add(now - packet.due);
      tally_.delivered_packets++;
      tally_.delivered_bytes += packet.bytes.size();
    }
    packets_.pop_front();
  }
}

nanoseconds Direction::next_due() const {
  return packets_.empty() ? nanoseconds::max() : packets_.front().due;
}

Result<void> Emulator::run(bool spin) {
  run_on_time(spin);
  const Fd poll(epoll_create1(EPOLL_CLOEXEC));
  if (!poll.valid()) return failed("epoll: {}", strerror(errno));
  for (const Fd* device : {&left, &right}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = const_cast<Fd*>(device);
    if (epoll_ctl(poll.get(), EPOLL_CTL_ADD, device->get(), &event) != 0) {
      return failed("epoll: {}", strerror(errno));
    }
  }

  // The signals arrive only inside the wait, so that none is missed just before it.
  sigset_t waiting;
  pthread_sigmask(SIG_SETMASK, nullptr, &waiting);
  sigdelset(&waiting, SIGTERM);
  sigdelset(&waiting, SIGINT);

  std::array<epoll_event, 2> events{};
  while (end_asked == 0) {
    const nanoseconds due = std::min(left_to_right.next_due(), right_to_left.next_due());
    std::optional<timespec> timeout;
    if (due != nanoseconds::max()) {
      const nanoseconds left_over =
          spin ? nanoseconds(0) : std::max(due - clock_now(), nanoseconds(0));
      const auto whole = std::chrono::floor<std::chrono::seconds>(left_over);
      timeout = timespec{whole.count(), (left_over - whole).count()};
    }
    const int ready = epoll_pwait2(poll.get(), events.data(), static_cast<int>(events.size()),
                                   timeout ? &*timeout : nullptr, &waiting);
    if (ready < 0 && errno != EINTR) return failed("epoll: {}", strerror(errno));
    for (int i = 0; i < ready; i++) {
      const bool from_left = events[static_cast<size_t>(i)].data.ptr == &left;
      if (!(from_left ? left_to_right.take(left) : right_to_left.take(right))) {
        return failed("the {} device is gone: {}", from_left ? "left" : "right", strerror(errno));
      }
    }
    left_to_right.deliver(right);
    right_to_left.deliver(left);
  }
  return {};
}

void catch_signals() {
  const sigset_t ending = ending_signals();
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  struct sigaction action {};
  action.sa_handler = ask_to_end;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

}  // namespace sluice::linkem
