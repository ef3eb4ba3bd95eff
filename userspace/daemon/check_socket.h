// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sockets that send health checks.
#pragma once

#include <netinet/in.h>

#include "daemon/checker.h"
#include "kernel/system/fd.h"
#include "support/result.h"

namespace sluice {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
};
[[nodiscard]] SocketAddress socket_address(const HostPort& at);

// A non-blocking SOCK_STREAM or SOCK_DGRAM socket with the subject's mark. An error names what this
// host lacks: descriptors, memory, the capability to set marks.
Result<Fd> open_check_socket(const Subject& subject, int type);
Result<void> set_check_mark(int fd, uint32_t mark);

// Whether this error of connect() or send() has its cause on this host, not on the backend.
[[nodiscard]] bool is_local_error(int error);
[[nodiscard]] CheckResult result_of_error(int error);

}  // namespace sluice
