// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What libbpf says is kept instead of printed, so that an error can carry it. Kept per thread:
// libbpf calls back in the thread that called it, and its callback takes no context.
#pragma once

#include <string>

namespace sluice {

// From here on libbpf prints nothing; its warnings are kept.
void libbpf_log_capture();

// The last of what this thread's calls to libbpf warned of, one line, and forgets it. Empty:
// nothing.
std::string libbpf_log_take();

// What an errno means (of either sign), and what libbpf warned of beside it.
std::string libbpf_reason(int error);

}  // namespace sluice
