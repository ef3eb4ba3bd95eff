// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The daemon's one thread of events, on libuv: timers, signals, changed files, ready descriptors,
// and work that may wait (for the instance's lock, for the kernel) on a thread beside it. Whatever
// is here is used from that one thread, and is gone for its callers once it is destroyed.
#pragma once

#include <uv.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/result.h"

namespace sluice {

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();  // closes what its users left
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void run();  // until stop()
  void stop();
  // Milliseconds of CLOCK_MONOTONIC, as of the last look.
  [[nodiscard]] uint64_t now_ms() const;
  [[nodiscard]] uv_loop_t* raw() { return &loop_; }

 private:
  uv_loop_t loop_{};
};

// Fires once each time that it is started.
class Timer {
 public:
  Timer(EventLoop& loop, std::function<void()> fired);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(uint64_t in_ms);
  void stop();

 private:
  struct Handle;
  Handle* handle_;
};

class SignalWatch {
 public:
  SignalWatch(EventLoop& loop, int number, std::function<void()> came);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct Handle;
  Handle* handle_;
};

// Says that something in a directory has changed: editors put a new file in the place of the old
// one, and Kubernetes swaps a link beside it.
class DirectoryWatch {
 public:
  static Result<std::unique_ptr<DirectoryWatch>> open(EventLoop& loop, const std::string& directory,
                                                      std::function<void()> changed);
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

 private:
  struct Handle;
  explicit DirectoryWatch(Handle* handle) : handle_(handle) {}
  Handle* handle_;
};

// One piece of work at a time beside the loop; the others wait for their turn. `work` runs on the
// other thread, `done` back on the loop.
class Worker {
 public:
  explicit Worker(EventLoop& loop);
  ~Worker();  // finish()
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void add(std::function<void()> work, std::function<void()> done);
  // Takes nothing more, forgets what waits, and waits for what is under way.
  void finish();

 private:
  struct Job;
  void begin_next();

  EventLoop& loop_;
  std::vector<std::unique_ptr<Job>> waiting_;
  bool busy_ = false;
  bool finishing_ = false;
};

}  // namespace sluice
