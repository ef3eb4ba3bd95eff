// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A netlink socket for routes, devices and qdiscs.
#pragma once

#include <netlink/netlink.h>

#include <memory>

#include "support/result.h"

namespace sluice {

using Netlink = std::unique_ptr<nl_sock, void (*)(nl_sock*)>;

inline Result<Netlink> open_netlink() {
  Netlink netlink(nl_socket_alloc(), nl_socket_free);
  if (!netlink) return failed("netlink: out of memory");
  if (const int error = nl_connect(netlink.get(), NETLINK_ROUTE); error != 0)
    return failed("netlink: {}", nl_geterror(error));
  return netlink;
}

}  // namespace sluice
