// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/congestion/route.h"

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "kernel/system/netlink.h"

namespace sluice {
namespace {

using Message = std::unique_ptr<nl_msg, void (*)(nl_msg*)>;
// A route as a raw netlink message: libnl's type holds metrics as numbers and would lose the name.
using RawRoute = std::vector<char>;

nlmsghdr* header_of(RawRoute& route) {
  return reinterpret_cast<nlmsghdr*>(route.data());
}

bool leads_to(const nlmsghdr* header, const Prefix& prefix) {
  const auto* route = static_cast<const rtmsg*>(nlmsg_data(header));
  const bool v4 = prefix.address.is_v4();
  if (route->rtm_table != RT_TABLE_MAIN || (route->rtm_flags & RTM_F_CLONED) != 0 ||
      route->rtm_dst_len != prefix.bits - (v4 ? 96 : 0))
    return false;
  const nlattr* destination =
      nlmsg_find_attr(const_cast<nlmsghdr*>(header), sizeof(rtmsg), RTA_DST);
  if (destination == nullptr) return route->rtm_dst_len == 0;
  return memcmp(nla_data(destination), prefix.address.raw().bytes + (v4 ? 12 : 0), v4 ? 4 : 16) ==
         0;
}

Result<std::vector<RawRoute>> routes_to(nl_sock* netlink, const Prefix& prefix) {
  struct Found {
    const Prefix& prefix;
    std::vector<RawRoute> routes;
  } found{prefix, {}};
  const auto take = [](nl_msg* message, void* context) {
    auto& into = *static_cast<Found*>(context);
    const nlmsghdr* header = nlmsg_hdr(message);
    const auto* bytes = reinterpret_cast<const char*>(header);
    if (header->nlmsg_type == RTM_NEWROUTE && leads_to(header, into.prefix))
      into.routes.emplace_back(bytes, bytes + header->nlmsg_len);
    return static_cast<int>(NL_OK);
  };
  nl_socket_modify_cb(netlink, NL_CB_VALID, NL_CB_CUSTOM, take, &found);
  rtmsg request{};
  request.rtm_family = prefix.address.is_v4() ? AF_INET : AF_INET6;
  int error = nl_send_simple(netlink, RTM_GETROUTE, NLM_F_DUMP, &request, sizeof(request));
  if (error >= 0) error = nl_recvmsgs_default(netlink);
  nl_socket_modify_cb(netlink, NL_CB_VALID, NL_CB_DEFAULT, nullptr, nullptr);
  if (error < 0) return failed("netlink: reading routes: {}", nl_geterror(error));
  if (found.routes.empty())
    return failed("route {}: the main table of this network namespace has none (ip {}route show)",
                  prefix.text(), prefix.address.is_v4() ? "" : "-6 ");
  return std::move(found.routes);
}

// Flags that the kernel reports with a route and refuses in a request.
constexpr unsigned kReportedFlags =
    RTNH_F_DEAD | RTNH_F_LINKDOWN | RTNH_F_UNRESOLVED | RTNH_F_OFFLOAD | RTNH_F_TRAP;

// Clears the reported flags of the next hops of a multipath route.
void clear_reported_flags(nlattr* next_hops) {
  auto* hop = static_cast<rtnexthop*>(nla_data(next_hops));
  int left = nla_len(next_hops);
  while (RTNH_OK(hop, left)) {
    hop->rtnh_flags &= static_cast<unsigned char>(~kReportedFlags);
    left -= static_cast<int>(RTNH_ALIGN(hop->rtnh_len));
    hop = RTNH_NEXT(hop);
  }
}

// Copies all metrics but the congestion control.
void copy_metrics(nl_msg* to, const nlattr* metrics) {
  nlattr* metric = nullptr;
  int left = 0;
  nla_for_each_nested(metric, metrics, left) {
    if (nla_type(metric) != RTAX_CC_ALGO)
      nla_put(to, nla_type(metric), nla_len(metric), nla_data(metric));
  }
}

Result<Message> with_congestion(RawRoute& route, const std::string& name) {
  Message message(nlmsg_alloc_simple(RTM_NEWROUTE, NLM_F_REPLACE), nlmsg_free);
  if (!message) return failed("netlink: out of memory");
  nlmsghdr* from = header_of(route);
  static_cast<rtmsg*>(nlmsg_data(from))->rtm_flags &= ~kReportedFlags;
  nlmsg_append(message.get(), nlmsg_data(from), sizeof(rtmsg), NLMSG_ALIGNTO);
  const nlattr* metrics = nullptr;
  nlattr* attribute = nullptr;
  int left = 0;
  nlmsg_for_each_attr(attribute, from, sizeof(rtmsg), left) {
    if (nla_type(attribute) == RTA_MULTIPATH) clear_reported_flags(attribute);
    if (nla_type(attribute) == RTA_METRICS)
      metrics = attribute;
    else if (nla_type(attribute) != RTA_CACHEINFO)  // read-only
      nla_put(message.get(), nla_type(attribute), nla_len(attribute), nla_data(attribute));
  }
  nlattr* nest = nla_nest_start(message.get(), RTA_METRICS);
  if (metrics != nullptr) copy_metrics(message.get(), metrics);
  if (!name.empty()) nla_put_string(message.get(), RTAX_CC_ALGO, name.c_str());
  nla_nest_end(message.get(), nest);
  return message;
}

}  // namespace

Result<std::string> route_congestion(const Prefix& prefix) {
  auto netlink = TRY(open_netlink());
  auto routes = TRY(routes_to(netlink.get(), prefix));
  nlattr* metrics = nlmsg_find_attr(header_of(routes.front()), sizeof(rtmsg), RTA_METRICS);
  if (metrics == nullptr) return std::string();
  nlattr* metric = nullptr;
  int left = 0;
  nla_for_each_nested(metric, metrics, left) {
    if (nla_type(metric) == RTAX_CC_ALGO) return std::string(nla_get_string(metric));
  }
  return std::string();
}

Result<void> set_route_congestion(const Prefix& prefix, const std::string& name) {
  auto netlink = TRY(open_netlink());
  auto routes = TRY(routes_to(netlink.get(), prefix));
  for (RawRoute& route : routes) {
    auto message = TRY(with_congestion(route, name));
    // Sends the message, waits for the acknowledgement, and frees the message.
    if (const int error = nl_send_sync(netlink.get(), message.release()); error < 0)
      return failed("route {}: changing its congestion control: {}", prefix.text(),
                    nl_geterror(error));
  }
  return {};
}

}  // namespace sluice
