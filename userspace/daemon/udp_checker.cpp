// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/udp_checker.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "daemon/check_socket.h"
#include "daemon/dns_message.h"

namespace sluice {

namespace {

class UdpAttempt : public Attempt, public ReadyHandler {
 public:
  UdpAttempt(ReadySet& ready, Fd fd, const HealthCheck& check, uint16_t dns_id, OnResult on_result)
      : ready_(ready),
        fd_(std::move(fd)),
        check_(check),
        dns_id_(dns_id),
        on_result_(std::move(on_result)) {}
  ~UdpAttempt() override { ready_.purge(this); }
  UdpAttempt(const UdpAttempt&) = delete;
  UdpAttempt& operator=(const UdpAttempt&) = delete;

  // The socket is connected, so the kernel delivers datagrams of the backend only.
  void ready(uint32_t) override {
    std::array<char, 4096> buffer{};
    const ssize_t bytes = recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (bytes < 0) return end(result_of_error(errno));
    judge({buffer.data(), static_cast<size_t>(bytes)});
  }

 private:
  void judge(std::string_view datagram) {
    if (check_.kind == CheckKind::dns) {
      DnsVerdict verdict = dns_judge(check_, dns_id_, datagram);
      if (verdict.stray) return;
      return end(verdict.why.empty()
                     ? CheckResult{}
                     : CheckResult{CheckResult::Kind::failed, std::move(verdict.why)});
    }
    if (datagram.find(check_.response) != std::string_view::npos) return end({});
    end({CheckResult::Kind::failed, "the response does not contain the expected text"});
  }

  // Moved out first: the callee destroys this attempt.
  void end(CheckResult result) {
    const OnResult report = std::move(on_result_);
    report(std::move(result));
  }

  ReadySet& ready_;
  Fd fd_;
  const HealthCheck& check_;
  uint16_t dns_id_;
  OnResult on_result_;
};

}  // namespace

StartedCheck UdpChecker::begin(const Subject& subject, OnResult on_result) {
  const HealthCheck& check = *subject.check;
  const auto dns_id = static_cast<uint16_t>(random_());
  std::string request = check.request;
  if (check.kind == CheckKind::dns) {
    auto question = dns_question(check, dns_id);
    if (!question) return result_now(CheckResult::Kind::unable, question.error().text);
    request = std::move(*question);
  }
  auto fd = open_check_socket(subject, SOCK_DGRAM);
  if (!fd) return result_now(CheckResult::Kind::unable, fd.error().text);
  const SocketAddress to = socket_address(subject.at);
  const int socket = fd->get();
  if (connect(socket, reinterpret_cast<const sockaddr*>(&to.storage), to.bytes) != 0)
    return {.result = result_of_error(errno)};
  auto attempt =
      std::make_unique<UdpAttempt>(ready_, std::move(*fd), check, dns_id, std::move(on_result));
  if (ready_.add(socket, EPOLLIN, attempt.get()) != 0)
    return result_now(CheckResult::Kind::unable, "waiting for the response: out of memory");
  if (send(socket, request.data(), request.size(), MSG_NOSIGNAL) < 0)
    return {.result = result_of_error(errno)};
  return {.result = std::nullopt, .attempt = std::move(attempt)};
}

}  // namespace sluice
