// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/http_checker.h"

#include <algorithm>

#include "daemon/check_socket.h"

namespace sluice {

namespace {

constexpr size_t kBodyMax = 65536;  // bytes

class HttpAttempt : public Attempt {
 public:
  HttpAttempt(const Libcurl& curl, CURLM* multi, const Subject& subject, OnResult on_result)
      : curl_(curl),
        multi_(multi),
        check_(*subject.check),
        mark_(subject.mark),
        on_result_(std::move(on_result)) {
    easy_ = curl_.easy_init();
    if (easy_ != nullptr) set_up(subject);
  }
  ~HttpAttempt() override {
    if (easy_ != nullptr) {
      curl_.multi_remove_handle(multi_, easy_);
      curl_.easy_cleanup(easy_);
    }
    curl_.slist_free_all(connect_to_);
  }
  HttpAttempt(const HttpAttempt&) = delete;
  HttpAttempt& operator=(const HttpAttempt&) = delete;

  bool start() { return easy_ != nullptr && curl_.multi_add_handle(multi_, easy_) == CURLM_OK; }

  void end(CURLcode code) {
    CheckResult result = judge(code);
    // Moved out first: the callee destroys this attempt.
    const OnResult report = std::move(on_result_);
    report(std::move(result));
  }

 private:
  static size_t take_body(char* bytes, size_t, size_t count, void* self) {
    return static_cast<HttpAttempt*>(self)->take_body({bytes, count});
  }

  // Returning less than the size of the part makes libcurl end the transfer.
  size_t take_body(std::string_view part) {
    if (check_.body.empty() || !status_matches()) return stop();
    body_.append(part.substr(0, kBodyMax - std::min(body_.size(), kBodyMax)));
    if (body_.find(check_.body) != std::string::npos || body_.size() >= kBodyMax) return stop();
    return part.size();
  }

  size_t stop() {
    stopped_ = true;
    return 0;
  }

  [[nodiscard]] long status() const {
    long status = 0;
    curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  [[nodiscard]] bool status_matches() const {
    const long seen = status();
    return std::any_of(check_.status.begin(), check_.status.end(), [&](const StatusRange& range) {
      return seen >= range.first && seen <= range.last;
    });
  }

  CheckResult judge(CURLcode code) {
    if (code != CURLE_OK && !stopped_) {
      long error = 0;
      curl_.easy_getinfo(easy_, CURLINFO_OS_ERRNO, &error);
      if (code == CURLE_OUT_OF_MEMORY || (error != 0 && is_local_error(static_cast<int>(error))) ||
          code == CURLE_ABORTED_BY_CALLBACK)
        return {CheckResult::Kind::unable, curl_.easy_strerror(code)};
      return {CheckResult::Kind::failed, error_[0] != '\0' ? error_ : curl_.easy_strerror(code)};
    }
    if (!status_matches()) return {CheckResult::Kind::failed, fmt::format("status {}", status())};
    if (!check_.body.empty() && body_.find(check_.body) == std::string::npos)
      return {CheckResult::Kind::failed, "the expected text is not in the body"};
    return {};
  }

  static int set_socket_up(void* self, curl_socket_t fd, curlsocktype) {
    const uint32_t mark = static_cast<HttpAttempt*>(self)->mark_;
    return set_check_mark(fd, mark) ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
  }

  void set_up(const Subject& subject) {
    const bool tls = check_.kind == CheckKind::https;
    const auto set = [&](CURLoption option, auto value) {
      curl_.easy_setopt(easy_, option, value);
    };
    const std::string url = fmt::format("{}://{}:{}{}", tls ? "https" : "http", subject.host,
                                        subject.at.port, check_.path);
    connect_to_ = curl_.slist_append(nullptr, ("::" + subject.at.text()).c_str());
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_CONNECT_TO, connect_to_);
    set(CURLOPT_PRIVATE, static_cast<void*>(this));
    set(CURLOPT_ERRORBUFFER, error_);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_USERAGENT, "sluice");
    set(CURLOPT_SSL_VERIFYPEER, check_.tls_verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, check_.tls_verify ? 2L : 0L);
    set(CURLOPT_SOCKOPTFUNCTION, &HttpAttempt::set_socket_up);
    set(CURLOPT_SOCKOPTDATA, static_cast<void*>(this));
    curl_write_callback write = &HttpAttempt::take_body;
    set(CURLOPT_WRITEFUNCTION, write);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  }

  const Libcurl& curl_;
  CURLM* multi_;
  const HealthCheck& check_;
  uint32_t mark_;
  OnResult on_result_;
  CURL* easy_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  char error_[CURL_ERROR_SIZE] = {};
  std::string body_;
  bool stopped_ = false;
};

}  // namespace

// A socket that libcurl waits for; libcurl tells when it no longer does.
class HttpChecker::Socket : public ReadyHandler {
 public:
  Socket(HttpChecker& checker, curl_socket_t fd) : checker_(checker), fd_(fd) {}
  ~Socket() override { checker_.ready_.remove(fd_, this); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void watch(int what) {
    const uint32_t events = ((what & CURL_POLL_IN) != 0 ? uint32_t{EPOLLIN} : 0) |
                            ((what & CURL_POLL_OUT) != 0 ? uint32_t{EPOLLOUT} : 0);
    if (checker_.ready_.modify(fd_, events, this) != 0) checker_.ready_.add(fd_, events, this);
  }

  void ready(uint32_t events) override {
    const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
    int what = 0;
    if ((events & EPOLLIN) != 0 || broken) what |= CURL_CSELECT_IN;
    if ((events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
    if (broken) what |= CURL_CSELECT_ERR;
    checker_.act(fd_, what);
  }

 private:
  HttpChecker& checker_;
  curl_socket_t fd_;
};

HttpChecker::HttpChecker(EventLoop& loop, ReadySet& ready)
    : ready_(ready), timer_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }) {
  if (!libcurl()) return;
  curl_ = &*libcurl();
  multi_ = curl_->multi_init();
  curl_->multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &HttpChecker::watch_socket);
  curl_->multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_->multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &HttpChecker::set_timer);
  curl_->multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

HttpChecker::~HttpChecker() {
  if (curl_ != nullptr) curl_->multi_cleanup(multi_);
}

int HttpChecker::watch_socket(CURL*, curl_socket_t fd, int what, void* self, void* socket) {
  auto* checker = static_cast<HttpChecker*>(self);
  auto* watched = static_cast<Socket*>(socket);
  if (what == CURL_POLL_REMOVE) {
    checker->curl_->multi_assign(checker->multi_, fd, nullptr);
    delete watched;
    return 0;
  }
  if (watched == nullptr) {
    watched = new Socket(*checker, fd);
    checker->curl_->multi_assign(checker->multi_, fd, watched);
  }
  watched->watch(what);
  return 0;
}

int HttpChecker::set_timer(CURLM*, long timeout_ms, void* self) {
  auto* checker = static_cast<HttpChecker*>(self);
  if (timeout_ms < 0)
    checker->timer_.stop();
  else
    checker->timer_.start(static_cast<uint64_t>(timeout_ms));
  return 0;
}

// Results are delivered here and not in callbacks of libcurl: they destroy attempts, and libcurl
// must not be called from within its own callbacks.
void HttpChecker::act(curl_socket_t fd, int events) {
  int running = 0;
  curl_->multi_socket_action(multi_, fd, events, &running);
  finish();
}

void HttpChecker::finish() {
  int left = 0;
  while (const CURLMsg* message = curl_->multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    void* attempt = nullptr;
    curl_->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &attempt);
    static_cast<HttpAttempt*>(attempt)->end(code);
  }
}

StartedCheck HttpChecker::begin(const Subject& subject, OnResult on_result) {
  if (curl_ == nullptr) return result_now(CheckResult::Kind::unable, libcurl().error().text);
  auto attempt = std::make_unique<HttpAttempt>(*curl_, multi_, subject, std::move(on_result));
  if (!attempt->start()) return result_now(CheckResult::Kind::unable, "libcurl: out of memory");
  return {.result = std::nullopt, .attempt = std::move(attempt)};
}

}  // namespace sluice
