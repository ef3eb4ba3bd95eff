// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Descriptors whose readiness somebody waits for: thousands of them, each for a short time, behind
// one handle of the loop. (A handle of libuv for each would take four more system calls a check.)
#pragma once

#include <sys/epoll.h>
#include <uv.h>

#include <array>
#include <cstdint>

#include "daemon/event_loop.h"
#include "kernel/system/fd.h"

namespace sluice {

class ReadyHandler {
 public:
  virtual ~ReadyHandler() = default;
  virtual void ready(uint32_t events) = 0;  // EPOLLIN and so on
};

class ReadySet {
 public:
  explicit ReadySet(EventLoop& loop);
  ~ReadySet();
  ReadySet(const ReadySet&) = delete;
  ReadySet& operator=(const ReadySet&) = delete;

  // 0, or errno. The descriptor is closed, or taken out, before its handler goes.
  int add(int fd, uint32_t events, ReadyHandler* handler);
  int modify(int fd, uint32_t events, ReadyHandler* handler);
  void remove(int fd, ReadyHandler* handler);  // before the descriptor is closed
  // For who closes the descriptor himself, which takes it out of the kernel's set.
  void purge(ReadyHandler* handler);

  // Handles what is ready now, for who is about to give up waiting; one batch. True: there may be
  // more.
  bool look();

 private:
  static constexpr int batch = 256;

  Fd epoll_;
  uv_poll_t* poll_;
  std::array<epoll_event, batch> events_{};
  int next_ = 0;  // of events_, not handled yet
  int count_ = 0;
};

}  // namespace sluice
