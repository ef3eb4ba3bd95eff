// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The daemon's event loop, on libuv: timers, signals, changed files, ready descriptors. Operations
// that may block (on the instance's lock, in the kernel) run on a second thread (Worker). All these
// classes are used from the loop's thread only, and call nothing back once they are destroyed.
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
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void run();  // until stop()
  void stop();
  // Milliseconds of CLOCK_MONOTONIC, as of the beginning of this turn of the loop.
  [[nodiscard]] uint64_t now_ms() const;
  [[nodiscard]] uv_loop_t* raw() { return &loop_; }

 private:
  uv_loop_t loop_{};
};

// Fires once per start().
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
  SignalWatch(EventLoop& loop, int number, std::function<void()> received);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct Handle;
  Handle* handle_;
};

// Reports changes in a directory. A watch on the file itself would miss them: editors replace the
// file, and Kubernetes replaces a symbolic link beside it.
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

// Runs jobs one at a time on a second thread. `work` runs there, `done` afterwards on the loop's
// thread.
class Worker {
 public:
  explicit Worker(EventLoop& loop);
  ~Worker();  // finish()
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void add(std::function<void()> work, std::function<void()> done);
  // Accepts no more jobs, drops those that wait, and blocks until the running one is done.
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
