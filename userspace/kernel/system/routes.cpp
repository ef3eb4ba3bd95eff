// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/system/routes.h"

#include <net/if.h>
#include <netinet/in.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <memory>

#include "kernel/system/fd.h"
#include "kernel/system/netlink.h"
#include "kernel/system/system_error.h"

namespace sluice {
namespace {

// Any port: connecting a datagram socket sends nothing.
constexpr uint16_t kPort = 9;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
};

SocketAddress socket_address(const Address& address) {
  SocketAddress result;
  if (address.is_v4()) {
    auto& in = reinterpret_cast<sockaddr_in&>(result.storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(kPort);
    memcpy(&in.sin_addr, address.raw().bytes + 12, 4);
    result.bytes = sizeof(in);
  } else {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(result.storage);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(kPort);
    memcpy(&in6.sin6_addr, address.raw().bytes, 16);
    result.bytes = sizeof(in6);
  }
  return result;
}

Address address_from(const SocketAddress& from) {
  sluice_address raw{};
  if (from.storage.ss_family == AF_INET) {
    raw.bytes[10] = raw.bytes[11] = 0xff;
    memcpy(raw.bytes + 12, &reinterpret_cast<const sockaddr_in&>(from.storage).sin_addr, 4);
  } else {
    memcpy(raw.bytes, &reinterpret_cast<const sockaddr_in6&>(from.storage).sin6_addr, 16);
  }
  return Address(raw);
}

bool has_gateway(rtnl_nexthop* nexthop) {
  return rtnl_route_nh_get_gateway(nexthop) != nullptr || rtnl_route_nh_get_via(nexthop) != nullptr;
}

using RouteEntry = std::unique_ptr<rtnl_route, void (*)(rtnl_route*)>;

Result<RouteEntry> route_entry(const Address& destination) {
  auto netlink = TRY(open_netlink());
  const bool v4 = destination.is_v4();
  const std::unique_ptr<nl_addr, void (*)(nl_addr*)> address(
      nl_addr_build(v4 ? AF_INET : AF_INET6, destination.raw().bytes + (v4 ? 12 : 0), v4 ? 4 : 16),
      nl_addr_put);
  rtnl_route* raw = nullptr;
  if (const int error = rtnl_route_lookup(netlink.get(), address.get(), &raw); error != 0)
    return failed("route to {}: {}", destination.text(), nl_geterror(error));
  return RouteEntry(raw, rtnl_route_put);
}

// Whether any next hop of the route has no gateway.
Result<bool> is_on_link(const Address& destination) {
  auto route = TRY(route_entry(destination));
  if (rtnl_route_get_type(route.get()) != RTN_UNICAST) return false;
  for (int i = 0; i < rtnl_route_get_nnexthops(route.get()); i++)
    if (!has_gateway(rtnl_route_nexthop_n(route.get(), i))) return true;
  return false;
}

// The path MTU, including what the kernel learned from ICMP.
Result<uint32_t> mtu_towards(const Fd& connected, const Address& destination) {
  const bool v4 = destination.is_v4();
  int mtu = 0;
  socklen_t bytes = sizeof(mtu);
  if (getsockopt(connected.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu,
                 &bytes) != 0)
    return failed("route to {}: its MTU: {}", destination.text(), error_text(errno));
  return static_cast<uint32_t>(mtu);
}

bool setting_is_on(const std::string& path) {
  std::ifstream file(path);
  int value = 0;
  return file >> value && value != 0;
}

}  // namespace

Result<Route> route_towards(const Address& destination) {
  auto to = socket_address(destination);
  const Fd socket_fd(socket(to.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket_fd.valid()) return failed("route to {}: {}", destination.text(), error_text(errno));
  if (connect(socket_fd.get(), reinterpret_cast<sockaddr*>(&to.storage), to.bytes) != 0)
    return failed("{}: the kernel has no route there: {} (ip route get {})", destination.text(),
                  strerror(errno), destination.text());
  SocketAddress from;
  from.bytes = sizeof(from.storage);
  if (getsockname(socket_fd.get(), reinterpret_cast<sockaddr*>(&from.storage), &from.bytes) != 0)
    return failed("route to {}: {}", destination.text(), error_text(errno));
  auto mtu = TRY(mtu_towards(socket_fd, destination));
  auto on_link = TRY(is_on_link(destination));
  return Route{address_from(from), on_link, mtu};
}

Result<std::string> device_towards(const Address& destination) {
  auto route = TRY(route_entry(destination));
  rtnl_nexthop* nexthop = rtnl_route_nexthop_n(route.get(), 0);
  char name[IF_NAMESIZE] = {};
  if (nexthop == nullptr ||
      if_indextoname(static_cast<uint32_t>(rtnl_route_nh_get_ifindex(nexthop)), name) == nullptr)
    return failed("route to {}: names no device (ip route get {})", destination.text(),
                  destination.text());
  return std::string(name);
}

Result<uint32_t> device_index(const std::string& device) {
  const uint32_t ifindex = if_nametoindex(device.c_str());
  if (ifindex == 0)
    return failed("device {}: there is none of that name here (ip link shows those there are)",
                  device);
  return ifindex;
}

std::string network_namespace_id() {
  struct stat status {};
  if (stat("/proc/self/ns/net", &status) != 0) return "unknown";
  return std::to_string(status.st_ino);
}

bool forwards_v4(const std::string& device) {
  return setting_is_on("/proc/sys/net/ipv4/conf/" + device + "/forwarding");
}

bool forwards_v6(const std::string& device) {
  return setting_is_on("/proc/sys/net/ipv6/conf/" + device + "/forwarding");
}

}  // namespace sluice
