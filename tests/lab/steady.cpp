// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An HTTP client for the lab that counts every broken connection. It keeps LONG long-lived
// connections that send a request every 200 ms, and opens SHORT-PER-SECOND short ones per second
// (at most 64 at a time), all to one server. It prints
//   "ready"  once every long-lived connection has had an answer,
//   "over"   after each SIGUSR1, once every short connection that was open at the signal has ended,
//   a JSON object with its counts at the end: on SIGTERM, or after SECONDS.
//
//   steady ADDRESS PORT SECONDS LONG SHORT-PER-SECOND
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kThinkTime{200};  // between an answer and the next request
constexpr milliseconds kAnswerTimeout{5000};
constexpr auto kTick = milliseconds(5);
constexpr size_t kShortAtATime = 64;

volatile std::sig_atomic_t stopped = 0;
volatile std::sig_atomic_t marks_requested = 0;  // number of SIGUSR1

struct Counts {
  uint64_t opened = 0;
  uint64_t answers = 0;
  uint64_t reset = 0;
  uint64_t timed_out = 0;
  uint64_t cut_off = 0;  // closed before the end of the answer, or not opened for another reason
  uint64_t moved = 0;    // answered by another server than the last time
  int64_t slowest_ms = 0;
};

struct Connection {
  int fd = -1;
  bool long_lived = false;
  uint64_t number = 0;  // counts connections of its kind in the order of opening
  bool connected = false;
  bool asking = false;
  std::string read;
  std::string server;       // the last one that answered
  Clock::time_point since;  // of the last request or answer
};

class Client {
 public:
  Client(const sockaddr_storage& to, socklen_t to_bytes)
      : to_(to), to_bytes_(to_bytes), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  void run(double seconds, int long_count, double short_per_second);
  void print(double seconds) const;

 private:
  void open(bool long_lived);
  void ask(Connection& connection);
  void handle(Connection& connection, uint32_t events);
  void read_answer(Connection& connection);
  void answered(Connection& connection);
  void end(int fd, uint64_t Counts::*reason);
  void check_times();
  void report_marks();
  size_t open_shorts() const { return connections_.size() - open_long_; }
  Counts& counts(bool long_lived) { return long_lived ? long_ : short_; }

  sockaddr_storage to_;
  socklen_t to_bytes_;
  int epoll_;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
  Counts long_;
  Counts short_;
  size_t open_long_ = 0;
  bool ready_ = false;
  std::sig_atomic_t marks_taken_ = 0;
  std::vector<uint64_t> marks_;  // "over" is due once the short ones up to this number have ended
};

void Client::open(bool long_lived) {
  Counts& count = counts(long_lived);
  count.opened++;
  const int fd = socket(to_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    count.cut_off++;
    return;
  }
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  auto connection = std::make_unique<Connection>();
  connection->fd = fd;
  connection->long_lived = long_lived;
  connection->number = count.opened;
  connection->since = Clock::now();
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to_), to_bytes_) != 0 &&
      errno != EINPROGRESS) {
    count.cut_off++;
    close(fd);
    return;
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  event.data.fd = fd;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  connections_.emplace(fd, std::move(connection));
  open_long_ += long_lived ? 1 : 0;
}

void Client::ask(Connection& connection) {
  static const std::string kept = "GET / HTTP/1.1\r\nHost: lab\r\n\r\n";
  static const std::string last = "GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n";
  const std::string& request = connection.long_lived ? kept : last;
  connection.asking = true;
  connection.since = Clock::now();
  const ssize_t sent = send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size())) {
    end(connection.fd, errno == ECONNRESET || errno == EPIPE ? &Counts::reset : &Counts::cut_off);
  }
}

void Client::end(int fd, uint64_t Counts::*reason) {
  const auto found = connections_.find(fd);
  if (reason != nullptr) counts(found->second->long_lived).*reason += 1;
  close(fd);
  open_long_ -= found->second->long_lived ? 1 : 0;
  connections_.erase(found);
}

void Client::handle(Connection& connection, uint32_t events) {
  if (!connection.connected) {
    int error = 0;
    socklen_t bytes = sizeof(error);
    getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
    if (error != 0) {
      end(connection.fd, error == ETIMEDOUT ? &Counts::timed_out : &Counts::reset);
      return;
    }
    connection.connected = true;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = connection.fd;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event);
    ask(connection);
    return;
  }
  if ((events & ~uint32_t{EPOLLOUT}) != 0) read_answer(connection);
}

void Client::read_answer(Connection& connection) {
  char buffer[2048];
  const ssize_t got = recv(connection.fd, buffer, sizeof(buffer), 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    end(connection.fd, got < 0 && errno == ETIMEDOUT ? &Counts::timed_out
                       : got < 0                     ? &Counts::reset
                                                     : &Counts::cut_off);
    return;
  }
  connection.read.append(buffer, static_cast<size_t>(got));
  // "serverN\n" ends the answer.
  const size_t body = connection.read.find("\r\n\r\nserver");
  if (body == std::string::npos || connection.read.back() != '\n') return;
  const std::string server = connection.read.substr(body + 4);
  Counts& count = counts(connection.long_lived);
  count.moved += !connection.server.empty() && connection.server != server ? 1 : 0;
  connection.server = server;
  answered(connection);
}

void Client::answered(Connection& connection) {
  Counts& count = counts(connection.long_lived);
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - connection.since);
  count.answers++;
  count.slowest_ms = std::max<int64_t>(count.slowest_ms, took.count());
  connection.read.clear();
  connection.asking = false;
  connection.since = Clock::now();
  if (connection.long_lived && count.answers == count.opened && !ready_) {
    ready_ = true;
    puts("ready");
    fflush(stdout);
  }
  if (!connection.long_lived) end(connection.fd, nullptr);
}

// An answer in the socket's buffer is in time: this process is late in reading it.
bool has_answer(int fd) {
  pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&readable, 1, 0) == 1;
}

void Client::report_marks() {
  for (; marks_taken_ != marks_requested; marks_taken_++) marks_.push_back(short_.opened);
  if (marks_.empty()) return;
  uint64_t oldest = short_.opened + 1;
  for (const auto& [fd, connection] : connections_) {
    if (!connection->long_lived) oldest = std::min(oldest, connection->number);
  }
  while (!marks_.empty() && marks_.front() < oldest) {
    puts("over");
    fflush(stdout);
    marks_.erase(marks_.begin());
  }
}

void Client::check_times() {
  report_marks();
  const auto now = Clock::now();
  std::vector<Connection*> due;
  std::vector<int> silent;
  for (auto& [fd, connection] : connections_) {
    const auto silence = now - connection->since;
    if (connection->long_lived && connection->connected && !connection->asking) {
      if (silence >= kThinkTime) due.push_back(connection.get());
    } else if (silence >= kAnswerTimeout && !has_answer(fd)) {
      silent.push_back(fd);
    }
  }
  for (int fd : silent) end(fd, &Counts::timed_out);
  for (Connection* connection : due) ask(*connection);
}

void Client::run(double seconds, int long_count, double short_per_second) {
  for (int i = 0; i < long_count; i++) open(true);
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  auto next_check = start;
  bool over = false;
  // At the end, wait for the open short connections: closing them would count as broken.
  while (true) {
    over = over || stopped != 0 || elapsed() >= seconds;
    if (over && open_shorts() == 0) break;
    const auto due = static_cast<uint64_t>(elapsed() * short_per_second);
    while (!over && short_.opened < due && open_shorts() < kShortAtATime) open(false);
    epoll_event events[256];
    const int ready = epoll_wait(epoll_, events, 256, 1);
    for (int i = 0; i < ready; i++) {
      const auto found = connections_.find(events[i].data.fd);
      if (found != connections_.end()) handle(*found->second, events[i].events);
    }
    if (Clock::now() < next_check) continue;
    check_times();
    next_check = Clock::now() + kTick;
  }
}

void Client::print(double seconds) const {
  const auto object = [seconds](const char* name, const Counts& count) {
    printf(
        "\"%s\": {\"opened\": %lu, \"answers\": %lu, \"per_second\": %.0f, \"reset\": %lu, "
        "\"timed_out\": %lu, \"cut_off\": %lu, \"moved\": %lu, \"slowest_ms\": %ld}",
        name, count.opened, count.answers, static_cast<double>(count.answers) / seconds,
        count.reset, count.timed_out, count.cut_off, count.moved, count.slowest_ms);
  };
  printf("{\"seconds\": %.1f, ", seconds);
  object("long", long_);
  printf(", ");
  object("short", short_);
  printf("}\n");
}

int misused() {
  fputs("steady: usage: steady ADDRESS PORT SECONDS LONG SHORT-PER-SECOND\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return misused();
  const auto port = htons(static_cast<uint16_t>(atoi(argv[2])));
  sockaddr_storage to{};
  socklen_t bytes = 0;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&to);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&to);
  if (inet_pton(AF_INET, argv[1], &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = port;
    bytes = sizeof(*v4);
  } else if (inet_pton(AF_INET6, argv[1], &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = port;
    bytes = sizeof(*v6);
  } else {
    return misused();
  }
  signal(SIGTERM, [](int) { stopped = 1; });
  signal(SIGUSR1, [](int) { marks_requested = marks_requested + 1; });
  Client client(to, bytes);
  const auto start = Clock::now();
  client.run(atof(argv[3]), atoi(argv[4]), atof(argv[5]));
  client.print(std::chrono::duration<double>(Clock::now() - start).count());
  return 0;
}
