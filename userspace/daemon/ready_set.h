// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An epoll set for the sockets of checks, behind one handle of libuv: thousands of descriptors,
// each for a short time. A libuv handle for each would cost four more system calls per check.
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

  // 0, or errno. Before a handler is destroyed, its descriptor must be removed, or closed and the
  // handler purged.
  int add(int fd, uint32_t events, ReadyHandler* handler);
  int modify(int fd, uint32_t events, ReadyHandler* handler);
  void remove(int fd, ReadyHandler* handler);  // before the descriptor is closed
  // For handlers that close their descriptor themselves: closing removes it from the kernel's set,
  // but an event of it may be in the current batch.
  void purge(ReadyHandler* handler);

  // Handles one batch of ready descriptors. True: there may be more.
  bool handle_ready();

 private:
  static constexpr int batch = 256;

  Fd epoll_;
  uv_poll_t* poll_;
  std::array<epoll_event, batch> events_{};
  int next_ = 0;  // first entry of events_ that is not handled yet
  int count_ = 0;
};

}  // namespace sluice
