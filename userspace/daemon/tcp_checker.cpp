// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/tcp_checker.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "daemon/check_socket.h"

namespace sluice {

namespace {

class TcpAttempt : public Attempt, public ReadyHandler {
 public:
  TcpAttempt(ReadySet& ready, Fd fd, Answered answered)
      : ready_(ready), fd_(std::move(fd)), answered_(std::move(answered)) {}
  ~TcpAttempt() override { ready_.purge(this); }
  TcpAttempt(const TcpAttempt&) = delete;
  TcpAttempt& operator=(const TcpAttempt&) = delete;

  void ready(uint32_t) override {
    int error = 0;
    socklen_t bytes = sizeof(error);
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &bytes);
    // Copied: whoever is called destroys this.
    const Answered answered = std::move(answered_);
    answered(error == 0 ? Answer{} : answer_of(error));
  }

 private:
  ReadySet& ready_;
  Fd fd_;
  Answered answered_;
};

}  // namespace

Begun TcpChecker::begin(const Subject& subject, Answered answered) {
  auto fd = open_check_socket(subject, SOCK_STREAM);
  if (!fd) return answered_already(Answer::Kind::unable, fd.error().text);
  const int off = 0;
  setsockopt(fd->get(), IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd->get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));

  const SocketAddress to = socket_address(subject.at);
  if (connect(fd->get(), reinterpret_cast<const sockaddr*>(&to.storage), to.bytes) == 0) {
    return answered_already(Answer::Kind::well);
  }
  if (errno != EINPROGRESS) return {.answer = answer_of(errno)};
  const int socket = fd->get();
  auto attempt = std::make_unique<TcpAttempt>(ready_, std::move(*fd), std::move(answered));
  if (const int error = ready_.add(socket, EPOLLOUT, attempt.get()); error != 0) {
    return {.answer = Answer{Answer::Kind::unable, "waiting for it: out of memory"}};
  }
  return {.answer = std::nullopt, .attempt = std::move(attempt)};
}

}  // namespace sluice
