// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the daemon tells whoever started it, if that is systemd (sd_notify(3)); nothing otherwise.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

void tell_ready(const std::string& status);
void tell_reloading();
void tell_status(const std::string& status);
void tell_stopping();
// Half of the time within which systemd wants to hear from us; 0: it does not.
[[nodiscard]] uint64_t watchdog_interval_ms();
void tell_alive();

}  // namespace sluice
