// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Keeps libbpf's warnings instead of printing them, for error messages. Per thread: libbpf calls
// back in the calling thread, and its callback has no context argument.
#pragma once

#include <string>

namespace sluice {

// From this call on, libbpf prints nothing.
void libbpf_log_capture();

// Returns the last warnings of this thread's calls to libbpf as one line, and clears them.
std::string libbpf_log_take();

// Text of an errno of either sign, followed by libbpf's warnings.
std::string libbpf_reason(int error);

}  // namespace sluice
