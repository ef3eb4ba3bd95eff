// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/figures.h"

namespace sluice {

struct FiguresExchange::Handle {
  uv_async_t raw{};
  FiguresExchange* exchange = nullptr;
};

FiguresExchange::FiguresExchange(EventLoop& loop, std::function<DaemonFigures()> collect)
    : collect_(std::move(collect)), handle_(new Handle) {
  handle_->exchange = this;
  uv_async_init(loop.raw(), &handle_->raw,
                [](uv_async_t* raw) { static_cast<Handle*>(raw->data)->exchange->answer(); });
  handle_->raw.data = handle_;
}

FiguresExchange::~FiguresExchange() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->raw),
           [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
}

std::optional<DaemonFigures> FiguresExchange::ask() {
  std::unique_lock lock(mutex_);
  const uint64_t mine = ++asked_;
  uv_async_send(&handle_->raw);
  if (!answered_.wait_for(lock, std::chrono::seconds(1), [&] { return served_ >= mine; }))
    return std::nullopt;
  return figures_;
}

void FiguresExchange::answer() {
  DaemonFigures figures = collect_();
  const std::lock_guard lock(mutex_);
  figures_ = std::move(figures);
  served_ = asked_;
  answered_.notify_all();
}

}  // namespace sluice
