// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/event_loop.h"

namespace sluice {

namespace {

// libuv still uses a handle after uv_close(), until it calls back; only then may it be deleted.
template <typename Handle, typename Raw>
void close_handle(Handle* handle, Raw& raw) {
  raw.data = handle;
  uv_close(reinterpret_cast<uv_handle_t*>(&raw),
           [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
}

}  // namespace

EventLoop::EventLoop() {
  uv_loop_init(&loop_);
}

EventLoop::~EventLoop() {
  uv_run(&loop_, UV_RUN_NOWAIT);  // deletes the handles that have been closed
  uv_loop_close(&loop_);
}

void EventLoop::run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
}

void EventLoop::stop() {
  uv_stop(&loop_);
}

uint64_t EventLoop::now_ms() const {
  return uv_now(&loop_);
}

struct Timer::Handle {
  uv_timer_t raw{};
  std::function<void()> fired;
};

Timer::Timer(EventLoop& loop, std::function<void()> fired) : handle_(new Handle) {
  handle_->fired = std::move(fired);
  uv_timer_init(loop.raw(), &handle_->raw);
  handle_->raw.data = handle_;
}

Timer::~Timer() {
  close_handle(handle_, handle_->raw);
}

void Timer::start(uint64_t in_ms) {
  uv_timer_start(
      &handle_->raw, [](uv_timer_t* raw) { static_cast<Handle*>(raw->data)->fired(); }, in_ms, 0);
}

void Timer::stop() {
  uv_timer_stop(&handle_->raw);
}

struct SignalWatch::Handle {
  uv_signal_t raw{};
  std::function<void()> received;
};

SignalWatch::SignalWatch(EventLoop& loop, int number, std::function<void()> received)
    : handle_(new Handle) {
  handle_->received = std::move(received);
  uv_signal_init(loop.raw(), &handle_->raw);
  handle_->raw.data = handle_;
  uv_signal_start(
      &handle_->raw, [](uv_signal_t* raw, int) { static_cast<Handle*>(raw->data)->received(); },
      number);
}

SignalWatch::~SignalWatch() {
  close_handle(handle_, handle_->raw);
}

struct DirectoryWatch::Handle {
  uv_fs_event_t raw{};
  std::function<void()> changed;
};

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::open(EventLoop& loop,
                                                             const std::string& directory,
                                                             std::function<void()> changed) {
  auto* handle = new Handle;
  handle->changed = std::move(changed);
  uv_fs_event_init(loop.raw(), &handle->raw);
  handle->raw.data = handle;
  std::unique_ptr<DirectoryWatch> watch(new DirectoryWatch(handle));
  const int error = uv_fs_event_start(
      &handle->raw,
      [](uv_fs_event_t* raw, const char*, int, int) { static_cast<Handle*>(raw->data)->changed(); },
      directory.c_str(), 0);
  if (error != 0)
    return failed("{}: cannot be watched for changes: {}", directory, uv_strerror(error));
  return watch;
}

DirectoryWatch::~DirectoryWatch() {
  close_handle(handle_, handle_->raw);
}

struct Worker::Job {
  uv_work_t raw{};
  Worker* worker = nullptr;
  std::function<void()> work;
  std::function<void()> done;
};

Worker::Worker(EventLoop& loop) : loop_(loop) {}

Worker::~Worker() {
  finish();
}

void Worker::finish() {
  finishing_ = true;
  waiting_.clear();
  while (busy_) uv_run(loop_.raw(), UV_RUN_ONCE);
}

void Worker::add(std::function<void()> work, std::function<void()> done) {
  if (finishing_) return;
  auto job = std::make_unique<Job>();
  job->worker = this;
  job->work = std::move(work);
  job->done = std::move(done);
  waiting_.push_back(std::move(job));
  begin_next();
}

void Worker::begin_next() {
  if (busy_ || waiting_.empty()) return;
  busy_ = true;
  Job* job = waiting_.front().release();
  waiting_.erase(waiting_.begin());
  job->raw.data = job;
  uv_queue_work(
      loop_.raw(), &job->raw, [](uv_work_t* raw) { static_cast<Job*>(raw->data)->work(); },
      [](uv_work_t* raw, int) {
        const std::unique_ptr<Job> ended(static_cast<Job*>(raw->data));
        ended->worker->busy_ = false;
        ended->done();
        ended->worker->begin_next();
      });
}

}  // namespace sluice
