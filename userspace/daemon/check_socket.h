// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sockets that checks are sent from.
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

// Of SOCK_STREAM or SOCK_DGRAM, non-blocking, with the subject's mark. An error says what this host
// lacks: descriptors, memory, the right to set marks.
Result<Fd> open_check_socket(const Subject& subject, int type);
Result<void> set_check_mark(int fd, uint32_t mark);

// Does this error of connect() or send() speak of this host rather than of the other one?
[[nodiscard]] bool is_our_own(int error);
[[nodiscard]] Answer answer_of(int error);

}  // namespace sluice
