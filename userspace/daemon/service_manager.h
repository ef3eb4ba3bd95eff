// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Notifications to systemd (sd_notify(3)). They do nothing if another program started the daemon.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

void tell_ready(const std::string& status);
void tell_reloading();
void tell_status(const std::string& status);
void tell_stopping();
// Half of the watchdog interval of systemd; 0: there is no watchdog.
[[nodiscard]] uint64_t watchdog_interval_ms();
void tell_alive();

}  // namespace sluice
