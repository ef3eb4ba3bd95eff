// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A server that processes one request at a time: reads it, sleeps for the processing time, answers
// "serverINDEX" and closes. A second time, if given, is used in the first 2 of every 10 seconds.
// For tools/bench weights; ended by a signal of its parent.
//
//   bench_server PORT INDEX MICROSECONDS [DISTURBED-MICROSECONDS]
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWaiting = 1024;  // backlog of connections that are not yet accepted
constexpr std::chrono::seconds kEvery{10};
constexpr std::chrono::seconds kDisturbed{2};

int listen_at(uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(port);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&any), sizeof(any)) != 0 ||
      listen(listener, kWaiting) != 0) {
    perror("bench_server");
    exit(1);
  }
  return listener;
}

// False: the client closed before its request was complete.
bool read_request(int connection) {
  std::string request;
  char chunk[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = read(connection, chunk, sizeof(chunk));
    if (got <= 0) return false;
    request.append(chunk, static_cast<size_t>(got));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    fprintf(stderr, "usage: bench_server PORT INDEX MICROSECONDS [DISTURBED-MICROSECONDS]\n");
    return 2;
  }
  const int listener = listen_at(static_cast<uint16_t>(atoi(argv[1])));
  const std::chrono::microseconds usual(atoi(argv[3]));
  const std::chrono::microseconds disturbed(atoi(argv[argc - 1]));
  const std::string body = std::string("server") + argv[2] + "\n";
  const std::string answer =
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  for (;;) {
    const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    if (read_request(connection)) {
      const bool is_disturbed = Clock::now().time_since_epoch() % kEvery < kDisturbed;
      std::this_thread::sleep_for(is_disturbed ? disturbed : usual);
      if (send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) perror("bench_server");
    }
    close(connection);
  }
}
