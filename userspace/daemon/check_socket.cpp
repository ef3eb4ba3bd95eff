// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/check_socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "kernel/system/system_error.h"

namespace sluice {

SocketAddress socket_address(const HostPort& at) {
  SocketAddress address;
  const uint8_t* bytes = at.address.raw().bytes;
  if (at.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(at.port);
    memcpy(&v4.sin_addr, bytes + 12, sizeof(v4.sin_addr));
    memcpy(&address.storage, &v4, sizeof(v4));
    address.bytes = sizeof(v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(at.port);
    memcpy(&v6.sin6_addr, bytes, sizeof(v6.sin6_addr));
    memcpy(&address.storage, &v6, sizeof(v6));
    address.bytes = sizeof(v6);
  }
  return address;
}

Result<void> set_check_mark(int fd, uint32_t mark) {
  if (mark == 0) return {};
  if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0) return {};
  return failed("setting the mark of a socket: {} (it requires CAP_NET_ADMIN)", error_text(errno));
}

Result<Fd> open_check_socket(const Subject& subject, int type) {
  const int family = subject.at.address.is_v4() ? AF_INET : AF_INET6;
  Fd fd(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return failed("opening a socket: {}", error_text(errno));
  TRY(set_check_mark(fd.get(), subject.mark));
  return fd;
}

bool is_local_error(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:         // connect(): no free port
    case EADDRNOTAVAIL:  // no free port, or no address of this family
    case EPERM:          // a firewall of this host
    case EACCES:
    case EAFNOSUPPORT:
      return true;
    default:
      return false;
  }
}

CheckResult result_of_error(int error) {
  return {is_local_error(error) ? CheckResult::Kind::unable : CheckResult::Kind::failed,
          strerror(error)};
}

}  // namespace sluice
