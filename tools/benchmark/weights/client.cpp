// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An open-loop client: sends requests at exponential intervals, whether or not earlier ones have
// been answered, like many independent users; one connection per request. A request's time counts
// from when it was due, so that a slow answer does not hide later delays. Prints JSON like
// tests/lab/lib/answers.lua. For tools/bench weights.
//
//   bench_client ADDRESS PORT SECONDS REQUESTS-A-SECOND SEED
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::chrono::seconds kGivesUp{10};  // time-out of a request
constexpr char kRequest[] = "GET / HTTP/1.0\r\n\r\n";

struct Exchange {
  Clock::time_point due;
  bool asked = false;
  std::string answer;
};

class Client {
 public:
  explicit Client(const sockaddr_in& to) : to_(to), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  void begin(Clock::time_point due) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to_), sizeof(to_)) != 0 &&
        errno != EINPROGRESS) {
      close(fd);
      failed_++;
      return;
    }
    epoll_event event{.events = EPOLLOUT, .data = {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    exchanges_[fd].due = due;
  }

  // Waits for an event, at most until this time.
  void wait(Clock::time_point until) {
    const Seconds left = until - Clock::now();
    const int left_ms = std::max(0, static_cast<int>(left.count() * 1000));
    std::array<epoll_event, 64> events{};
    const int count = epoll_wait(epoll_, events.data(), events.size(), left_ms);
    for (int i = 0; i < count; i++) act(events[static_cast<size_t>(i)].data.fd);
  }

  void give_up_late() {
    for (auto each = exchanges_.begin(); each != exchanges_.end();) {
      const auto [fd, exchange] = *each++;
      if (Clock::now() - exchange.due > kGivesUp) end(fd, false);
    }
  }
  [[nodiscard]] bool idle() const { return exchanges_.empty(); }

  void print() {
    std::sort(took_us_.begin(), took_us_.end());
    const auto percentile = [&](size_t percent) {
      return took_us_.empty() ? 0 : took_us_[(took_us_.size() - 1) * percent / 100];
    };
    printf(
        "{\"requests\": %zu, \"failed\": %zu, \"p50_us\": %ld, \"p99_us\": %ld, \"servers\": "
        "{\"server1\": %zu, \"server2\": %zu, \"server3\": %zu}}\n",
        took_us_.size(), failed_, percentile(50), percentile(99), answers_["server1"],
        answers_["server2"], answers_["server3"]);
  }

 private:
  void act(int fd) {
    Exchange& exchange = exchanges_[fd];
    if (!exchange.asked) {
      if (send(fd, kRequest, sizeof(kRequest) - 1, MSG_NOSIGNAL) < 0) return end(fd, false);
      exchange.asked = true;
      epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
      epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
      return;
    }
    char chunk[1024];
    const ssize_t got = read(fd, chunk, sizeof(chunk));
    if (got > 0) {
      exchange.answer.append(chunk, static_cast<size_t>(got));
    } else if (got == 0 || errno != EAGAIN) {
      end(fd, got == 0);
    }
  }

  void end(int fd, bool whole) {
    const Exchange& exchange = exchanges_[fd];
    const size_t body = exchange.answer.find("server");
    if (whole && body != std::string::npos) {
      const auto took =
          std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - exchange.due);
      took_us_.push_back(static_cast<long>(took.count()));
      answers_[exchange.answer.substr(body, sizeof("server1") - 1)]++;
    } else {
      failed_++;
    }
    close(fd);
    exchanges_.erase(fd);
  }

  sockaddr_in to_;
  int epoll_;
  std::map<int, Exchange> exchanges_;
  std::vector<long> took_us_;
  std::map<std::string, size_t> answers_;
  size_t failed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  if (argc != 6 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
    fprintf(stderr, "usage: bench_client ADDRESS PORT SECONDS REQUESTS-A-SECOND SEED\n");
    return 2;
  }
  to.sin_port = htons(static_cast<uint16_t>(atoi(argv[2])));
  std::mt19937_64 random(static_cast<uint64_t>(atoll(argv[5])));
  std::exponential_distribution<double> pause_s(atof(argv[4]));
  Client client(to);
  const auto end = Clock::now() + std::chrono::seconds(atoi(argv[3]));
  auto due = Clock::now();
  while (due < end) {
    while (Clock::now() < due) client.wait(due);
    client.begin(due);
    client.give_up_late();
    due += std::chrono::duration_cast<Clock::duration>(Seconds(pause_s(random)));
  }
  while (!client.idle()) {
    client.wait(Clock::now() + std::chrono::milliseconds(100));
    client.give_up_late();
  }
  client.print();
}
