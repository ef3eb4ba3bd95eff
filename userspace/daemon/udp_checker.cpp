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
  UdpAttempt(ReadySet& ready, Fd fd, const HealthCheck& check, uint16_t dns_id, Answered answered)
      : ready_(ready),
        fd_(std::move(fd)),
        check_(check),
        dns_id_(dns_id),
        answered_(std::move(answered)) {}
  ~UdpAttempt() override { ready_.purge(this); }
  UdpAttempt(const UdpAttempt&) = delete;
  UdpAttempt& operator=(const UdpAttempt&) = delete;

  // The socket is connected: nothing comes from anybody else.
  void ready(uint32_t) override {
    std::array<char, 4096> buffer{};
    const ssize_t bytes = recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (bytes < 0) return end(answer_of(errno));
    judge({buffer.data(), static_cast<size_t>(bytes)});
  }

 private:
  void judge(std::string_view datagram) {
    if (check_.kind == CheckKind::dns) {
      DnsVerdict verdict = dns_judge(check_, dns_id_, datagram);
      if (verdict.stray) return;
      return end(verdict.why.empty() ? Answer{}
                                     : Answer{Answer::Kind::bad, std::move(verdict.why)});
    }
    if (datagram.find(check_.response) != std::string_view::npos) return end({});
    end({Answer::Kind::bad, "another response than the one that is wanted"});
  }

  // Copied: whoever is called destroys this.
  void end(Answer answer) {
    const Answered answered = std::move(answered_);
    answered(std::move(answer));
  }

  ReadySet& ready_;
  Fd fd_;
  const HealthCheck& check_;
  uint16_t dns_id_;
  Answered answered_;
};

}  // namespace

Begun UdpChecker::begin(const Subject& subject, Answered answered) {
  const HealthCheck& check = *subject.check;
  const auto dns_id = static_cast<uint16_t>(random_());
  std::string request = check.request;
  if (check.kind == CheckKind::dns) {
    auto question = dns_question(check, dns_id);
    if (!question) return answered_already(Answer::Kind::unable, question.error().text);
    request = std::move(*question);
  }
  auto fd = open_check_socket(subject, SOCK_DGRAM);
  if (!fd) return answered_already(Answer::Kind::unable, fd.error().text);
  const SocketAddress to = socket_address(subject.at);
  const int socket = fd->get();
  if (connect(socket, reinterpret_cast<const sockaddr*>(&to.storage), to.bytes) != 0)
    return {.answer = answer_of(errno)};
  auto attempt =
      std::make_unique<UdpAttempt>(ready_, std::move(*fd), check, dns_id, std::move(answered));
  if (ready_.add(socket, EPOLLIN, attempt.get()) != 0)
    return answered_already(Answer::Kind::unable, "waiting for it: out of memory");
  if (send(socket, request.data(), request.size(), MSG_NOSIGNAL) < 0)
    return {.answer = answer_of(errno)};
  return {.answer = std::nullopt, .attempt = std::move(attempt)};
}

}  // namespace sluice
