// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/statistics.h"

namespace sluice {

struct StatisticsChannel::Handle {
  uv_async_t raw{};
  StatisticsChannel* channel = nullptr;
};

// uv_async_send() is the only function of libuv that other threads may call.
StatisticsChannel::StatisticsChannel(EventLoop& loop, std::function<DaemonStatistics()> collect)
    : collect_(std::move(collect)), handle_(new Handle) {
  handle_->channel = this;
  uv_async_init(loop.raw(), &handle_->raw,
                [](uv_async_t* raw) { static_cast<Handle*>(raw->data)->channel->serve(); });
  handle_->raw.data = handle_;
}

StatisticsChannel::~StatisticsChannel() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->raw),
           [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
}

std::optional<DaemonStatistics> StatisticsChannel::request() {
  std::unique_lock lock(mutex_);
  const uint64_t mine = ++requested_;
  uv_async_send(&handle_->raw);
  if (!served_changed_.wait_for(lock, std::chrono::seconds(1), [&] { return served_ >= mine; }))
    return std::nullopt;
  return statistics_;
}

// libuv may merge several sends into one call, so all requests up to now are served.
void StatisticsChannel::serve() {
  DaemonStatistics statistics = collect_();
  const std::lock_guard lock(mutex_);
  statistics_ = std::move(statistics);
  served_ = requested_;
  served_changed_.notify_all();
}

}  // namespace sluice
