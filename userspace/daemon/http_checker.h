// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// HTTP and HTTPS by libcurl: one GET on a connection of its own, redirects not followed, no proxy,
// no name ever resolved (the connection goes to the backend's address, whatever the host is
// called). Of an answer that never ends at most 64 KiB are read, and no more than it takes to
// decide.
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

  Begun begin(const Subject& subject, Answered answered) override;

 private:
  class Socket;
  static int watch_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket);
  static int set_timer(CURLM* multi, long timeout_ms, void* self);
  void act(curl_socket_t fd, int events);
  void finish();

  ReadySet& ready_;
  const Libcurl* curl_ = nullptr;  // the machine has none
  CURLM* multi_ = nullptr;
  Timer timer_;
};

}  // namespace sluice
