// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// HTTP and HTTPS checks by libcurl: one GET on a new connection, without redirects, proxy or name
// resolution (CURLOPT_CONNECT_TO directs it to the backend's address). At most 64 KiB of the body
// are read, and no more than the decision needs.
#pragma once

#include <memory>

#include "daemon/checker.h"
#include "daemon/libcurl.h"
#include "daemon/ready_set.h"

namespace sluice {

class HttpChecker : public Checker {
 public:
  HttpChecker(EventLoop& loop, ReadySet& ready);
  ~HttpChecker() override;
  HttpChecker(const HttpChecker&) = delete;
  HttpChecker& operator=(const HttpChecker&) = delete;

  StartedCheck begin(const Subject& subject, OnResult on_result) override;

 private:
  class Socket;
  static int watch_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket);
  static int set_timer(CURLM* multi, long timeout_ms, void* self);
  void act(curl_socket_t fd, int events);
  void finish();

  ReadySet& ready_;
  const Libcurl* curl_ = nullptr;  // null: libcurl is not installed
  CURLM* multi_ = nullptr;
  Timer timer_;
};

}  // namespace sluice
