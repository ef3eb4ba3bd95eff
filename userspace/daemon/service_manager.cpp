// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/service_manager.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <ctime>

namespace sluice {

void tell_ready(const std::string& status) {
  sd_notify(0, fmt::format("READY=1\nSTATUS={}", status).c_str());
}

void tell_reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto us =
      static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", us).c_str());
}

void tell_status(const std::string& status) {
  sd_notify(0, ("STATUS=" + status).c_str());
}

void tell_stopping() {
  sd_notify(0, "STOPPING=1");
}

uint64_t watchdog_interval_ms() {
  uint64_t us = 0;
  if (sd_watchdog_enabled(0, &us) <= 0) return 0;
  return us / 2000 > 0 ? us / 2000 : 1;
}

void tell_alive() {
  sd_notify(0, "WATCHDOG=1");
}

}  // namespace sluice
