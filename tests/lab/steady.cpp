// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A client for the lab that notices every connection that breaks: so many long-lived connections
// that carry a request every so often, and so many short ones a second (or as many as the machine
// takes: some dozens at a time), to one HTTP server. Ends on SIGTERM or after so many seconds,
// and prints what it saw as one JSON object. Before that it prints "ready", when every long-lived
// connection has had an answer, and after each SIGUSR1 "over", when every short connection that
// was under way at the signal has come to its end.
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

constexpr milliseconds kThinks{200};    // between the answer and the next request
constexpr milliseconds kGivesUp{5000};  // without an answer
constexpr auto kTick = milliseconds(5);
constexpr size_t kShortAtATime = 64;

volatile std::sig_atomic_t stopped = 0;
volatile std::sig_atomic_t asked_for_over = 0;

struct Counts {
  uint64_t opened = 0;
  uint64_t answers = 0;
  uint64_t reset = 0;
  uint64_t timed_out = 0;
  uint64_t cut_off = 0;  // ended before its answer did, or never began for another reason
  uint64_t moved = 0;    // answered by another server than before
  int64_t slowest_ms = 0;
};

struct Connection {
  int fd = -1;
  bool lasts = false;
  uint64_t number = 0;  // of its kind, in the order in which they were opened
  bool connected = false;
  bool asking = false;
  std::string read;
  std::string server;       // that answered before
  Clock::time_point since;  // it asked, or had its answer
};

class Client {
 public:
  Client(const sockaddr_storage& to, socklen_t to_bytes)
      : to_(to), to_bytes_(to_bytes), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  void run(double seconds, int lasting, double short_per_second);
  void print(double seconds) const;

 private:
  void open(bool lasts);
  void ask(Connection& connection);
  void handle(Connection& connection, uint32_t events);
  void take(Connection& connection);
  void answered(Connection& connection);
  void end(int fd, uint64_t Counts::*why);
  void look_at_clock();
  void say_over();
  size_t short_under_way() const { return connections_.size() - lasting_; }
  Counts& counts(bool lasts) { return lasts ? long_ : short_; }

  sockaddr_storage to_;
  socklen_t to_bytes_;
  int epoll_;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
  Counts long_;
  Counts short_;
  size_t lasting_ = 0;  // long-lived connections that are open
  bool ready_ = false;
  std::sig_atomic_t marks_taken_ = 0;
  std::vector<uint64_t> marks_;  // "over" is due when the short ones up to here have ended
};

void Client::open(bool lasts) {
  Counts& count = counts(lasts);
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
  connection->lasts = lasts;
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
  lasting_ += lasts ? 1 : 0;
}

void Client::ask(Connection& connection) {
  static const std::string kept = "GET / HTTP/1.1\r\nHost: lab\r\n\r\n";
  static const std::string last = "GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n";
  const std::string& request = connection.lasts ? kept : last;
  connection.asking = true;
  connection.since = Clock::now();
  const ssize_t sent = send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size())) {
    end(connection.fd, errno == ECONNRESET || errno == EPIPE ? &Counts::reset : &Counts::cut_off);
  }
}

void Client::end(int fd, uint64_t Counts::*why) {
  const auto found = connections_.find(fd);
  if (why != nullptr) counts(found->second->lasts).*why += 1;
  close(fd);
  lasting_ -= found->second->lasts ? 1 : 0;
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
  if ((events & ~uint32_t{EPOLLOUT}) != 0) take(connection);
}

void Client::take(Connection& connection) {
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
  Counts& count = counts(connection.lasts);
  count.moved += !connection.server.empty() && connection.server != server ? 1 : 0;
  connection.server = server;
  answered(connection);
}

void Client::answered(Connection& connection) {
  Counts& count = counts(connection.lasts);
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - connection.since);
  count.answers++;
  count.slowest_ms = std::max<int64_t>(count.slowest_ms, took.count());
  connection.read.clear();
  connection.asking = false;
  connection.since = Clock::now();
  if (connection.lasts && count.answers == count.opened && !ready_) {
    ready_ = true;
    puts("ready");
    fflush(stdout);
  }
  if (!connection.lasts) end(connection.fd, nullptr);
}

// An answer that lies in the socket is not late: this process is, to read it.
bool has_answer(int fd) {
  pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&readable, 1, 0) == 1;
}

void Client::say_over() {
  for (; marks_taken_ != asked_for_over; marks_taken_++) marks_.push_back(short_.opened);
  if (marks_.empty()) return;
  uint64_t oldest = short_.opened + 1;
  for (const auto& [fd, connection] : connections_) {
    if (!connection->lasts) oldest = std::min(oldest, connection->number);
  }
  while (!marks_.empty() && marks_.front() < oldest) {
    puts("over");
    fflush(stdout);
    marks_.erase(marks_.begin());
  }
}

void Client::look_at_clock() {
  say_over();
  const auto now = Clock::now();
  std::vector<Connection*> thought;
  std::vector<int> silent;
  for (auto& [fd, connection] : connections_) {
    const auto silence = now - connection->since;
    if (connection->lasts && connection->connected && !connection->asking) {
      if (silence >= kThinks) thought.push_back(connection.get());
    } else if (silence >= kGivesUp && !has_answer(fd)) {
      silent.push_back(fd);
    }
  }
  for (int fd : silent) end(fd, &Counts::timed_out);
  for (Connection* connection : thought) ask(*connection);
}

void Client::run(double seconds, int lasting, double short_per_second) {
  for (int i = 0; i < lasting; i++) open(true);
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  auto next_look = start;
  bool over = false;
  // At the end the short ones are waited for; none of them may be counted as broken for it.
  while (true) {
    over = over || stopped != 0 || elapsed() >= seconds;
    if (over && short_under_way() == 0) break;
    const auto due = static_cast<uint64_t>(elapsed() * short_per_second);
    while (!over && short_.opened < due && short_under_way() < kShortAtATime) open(false);
    epoll_event events[256];
    const int ready = epoll_wait(epoll_, events, 256, 1);
    for (int i = 0; i < ready; i++) {
      const auto found = connections_.find(events[i].data.fd);
      if (found != connections_.end()) handle(*found->second, events[i].events);
    }
    if (Clock::now() < next_look) continue;
    look_at_clock();
    next_look = Clock::now() + kTick;
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
  signal(SIGUSR1, [](int) { asked_for_over = asked_for_over + 1; });
  Client client(to, bytes);
  const auto start = Clock::now();
  client.run(atof(argv[3]), atoi(argv[4]), atof(argv[5]));
  client.print(std::chrono::duration<double>(Clock::now() - start).count());
  return 0;
}
