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
  TcpAttempt(ReadySet& ready, Fd fd, OnResult on_result)
      : ready_(ready), fd_(std::move(fd)), on_result_(std::move(on_result)) {}
  ~TcpAttempt() override { ready_.purge(this); }
  TcpAttempt(const TcpAttempt&) = delete;
  TcpAttempt& operator=(const TcpAttempt&) = delete;

  void ready(uint32_t) override {
    int error = 0;
    socklen_t bytes = sizeof(error);
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &bytes);
    // Moved out first: the callee destroys this attempt.
    const OnResult report = std::move(on_result_);
    report(error == 0 ? CheckResult{} : result_of_error(error));
  }

 private:
  ReadySet& ready_;
  Fd fd_;
  OnResult on_result_;
};

}  // namespace

StartedCheck TcpChecker::begin(const Subject& subject, OnResult on_result) {
  auto fd = open_check_socket(subject, SOCK_STREAM);
  if (!fd) return result_now(CheckResult::Kind::unable, fd.error().text);
  // No ACK at once after the SYN-ACK, so that closing with SO_LINGER 0 sends the RST in its place.
  const int off = 0;
  setsockopt(fd->get(), IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd->get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));

  const SocketAddress to = socket_address(subject.at);
  if (connect(fd->get(), reinterpret_cast<const sockaddr*>(&to.storage), to.bytes) == 0) {
    return result_now(CheckResult::Kind::passed);
  }
  if (errno != EINPROGRESS) return {.result = result_of_error(errno)};
  const int socket = fd->get();
  auto attempt = std::make_unique<TcpAttempt>(ready_, std::move(*fd), std::move(on_result));
  if (const int error = ready_.add(socket, EPOLLOUT, attempt.get()); error != 0) {
    return {.result =
                CheckResult{CheckResult::Kind::unable, "waiting for the SYN-ACK: out of memory"}};
  }
  return {.result = std::nullopt, .attempt = std::move(attempt)};
}

}  // namespace sluice
