// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/ready_set.h"

#include <cerrno>

namespace sluice {

ReadySet::ReadySet(EventLoop& loop) : epoll_(epoll_create1(EPOLL_CLOEXEC)), poll_(new uv_poll_t) {
  uv_poll_init(loop.raw(), poll_, epoll_.get());
  poll_->data = this;
  uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* raw, int, int) {
    static_cast<ReadySet*>(raw->data)->handle_ready();
  });
}

ReadySet::~ReadySet() {
  uv_poll_stop(poll_);
  uv_close(reinterpret_cast<uv_handle_t*>(poll_),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_poll_t*>(closed); });
}

int ReadySet::add(int fd, uint32_t events, ReadyHandler* handler) {
  epoll_event event{.events = events, .data = {.ptr = handler}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

int ReadySet::modify(int fd, uint32_t events, ReadyHandler* handler) {
  epoll_event event{.events = events, .data = {.ptr = handler}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

void ReadySet::remove(int fd, ReadyHandler* handler) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  purge(handler);
}

// A handler may destroy another handler whose event is in the same batch.
void ReadySet::purge(ReadyHandler* handler) {
  for (int i = next_; i < count_; i++) {
    if (events_[static_cast<size_t>(i)].data.ptr == handler)
      events_[static_cast<size_t>(i)].data.ptr = nullptr;
  }
}

// One batch per turn of the loop, so that timers run in between; the epoll set stays readable while
// events are left. A call from within a handler does nothing: its batch is being handled.
bool ReadySet::handle_ready() {
  if (count_ != 0) return false;
  count_ = epoll_wait(epoll_.get(), events_.data(), batch, 0);
  for (next_ = 0; next_ < count_;) {
    const epoll_event event = events_[static_cast<size_t>(next_++)];
    if (event.data.ptr != nullptr) static_cast<ReadyHandler*>(event.data.ptr)->ready(event.events);
  }
  const bool more = count_ == batch;
  count_ = 0;
  return more;
}

}  // namespace sluice
