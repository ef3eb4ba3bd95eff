// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/device/qdisc.h"

#include <linux/pkt_sched.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/tc.h>
#include <sched.h>

#include <memory>
#include <thread>
#include <vector>

#include "kernel/system/netlink.h"

namespace sluice {
namespace {

// Handle 51c:, the number that is also the priority of sluice's clsact filters (hook.cpp). Default
// qdiscs of the kernel have handle 0, and automatic handles start at 8001:.
constexpr uint32_t kOurs = 0x51c0000;

using Qdisc = std::unique_ptr<rtnl_qdisc, void (*)(rtnl_qdisc*)>;

struct SeenQdisc {
  std::string kind;
  uint32_t parent = 0;
  uint32_t handle = 0;
};

Result<std::vector<SeenQdisc>> qdiscs_of(nl_sock* netlink, uint32_t ifindex) {
  nl_cache* raw = nullptr;
  if (const int error = rtnl_qdisc_alloc_cache(netlink, &raw); error != 0)
    return failed("netlink: reading qdiscs: {}", nl_geterror(error));
  const std::unique_ptr<nl_cache, void (*)(nl_cache*)> cache(raw, nl_cache_free);
  std::vector<SeenQdisc> seen;
  for (nl_object* object = nl_cache_get_first(cache.get()); object != nullptr;
       object = nl_cache_get_next(object)) {
    auto* qdisc = reinterpret_cast<rtnl_tc*>(object);
    if (static_cast<uint32_t>(rtnl_tc_get_ifindex(qdisc)) != ifindex) continue;
    const char* kind = rtnl_tc_get_kind(qdisc);
    seen.push_back(
        {kind != nullptr ? kind : "", rtnl_tc_get_parent(qdisc), rtnl_tc_get_handle(qdisc)});
  }
  return seen;
}

Qdisc make_qdisc(uint32_t ifindex, uint32_t parent, uint32_t handle, const char* kind) {
  Qdisc qdisc(rtnl_qdisc_alloc(), rtnl_qdisc_put);
  if (!qdisc) return qdisc;
  auto* tc = reinterpret_cast<rtnl_tc*>(qdisc.get());
  rtnl_tc_set_ifindex(tc, static_cast<int>(ifindex));
  rtnl_tc_set_parent(tc, parent);
  if (handle != 0) rtnl_tc_set_handle(tc, handle);
  if (kind != nullptr) rtnl_tc_set_kind(tc, kind);
  return qdisc;
}

// 0, or an error of libnl.
int put_qdisc(nl_sock* netlink, uint32_t ifindex, uint32_t parent, uint32_t handle,
              const char* kind) {
  const Qdisc qdisc = make_qdisc(ifindex, parent, handle, kind);
  if (!qdisc) return -NLE_NOMEM;
  return rtnl_qdisc_add(netlink, qdisc.get(), NLM_F_CREATE | NLM_F_REPLACE);
}

Result<uint32_t> queues_of(nl_sock* netlink, const std::string& device, uint32_t ifindex) {
  rtnl_link* raw = nullptr;
  if (const int error = rtnl_link_get_kernel(netlink, static_cast<int>(ifindex), nullptr, &raw);
      error != 0)
    return failed("device {}: {}", device, nl_geterror(error));
  const std::unique_ptr<rtnl_link, void (*)(rtnl_link*)> link(raw, rtnl_link_put);
  return rtnl_link_get_num_tx_queues(link.get());
}

// The kernel answers ENOENT for a qdisc kind that it does not have (net/sched/sch_api.c).
bool is_unknown_kind(int error) {
  return error == -NLE_OBJ_NOTFOUND;
}

}  // namespace

Result<RootQdisc> root_qdisc(uint32_t ifindex) {
  auto netlink = TRY(open_netlink());
  auto seen = TRY(qdiscs_of(netlink.get(), ifindex));
  RootQdisc root{.kind = "none", .owner = QdiscOwner::kernel, .fq = false};
  bool all_fq = true;
  bool any_fq = false;
  for (const auto& qdisc : seen) {
    if (qdisc.parent == TC_H_INGRESS) continue;  // clsact, ingress
    if (qdisc.parent == TC_H_ROOT) {
      root.kind = qdisc.kind;
      if (qdisc.handle == kOurs)
        root.owner = QdiscOwner::sluice;
      else if (qdisc.handle != 0)
        root.owner = QdiscOwner::other;
    }
    if (qdisc.kind == "mq") continue;
    any_fq = any_fq || qdisc.kind == "fq";
    all_fq = all_fq && qdisc.kind == "fq";
  }
  root.fq = any_fq && all_fq;
  return root;
}

std::optional<bool> kernel_has_fq() {
  std::optional<bool> has;
  // unshare() moves only the calling thread, so a thread of its own enters the namespace.
  std::thread([&has] {
    constexpr uint32_t loopback = 1;
    if (unshare(CLONE_NEWNET) != 0) return;
    auto netlink = open_netlink();
    if (!netlink) return;
    const int error = put_qdisc(netlink->get(), loopback, TC_H_ROOT, kOurs, "fq");
    if (error == 0 || is_unknown_kind(error)) has = error == 0;
  }).join();
  return has;
}

Result<bool> install_fq(const std::string& device, uint32_t ifindex) {
  auto root = TRY(root_qdisc(ifindex));
  auto netlink = TRY(open_netlink());
  nl_sock* socket = netlink.get();
  uint32_t queues = 1;
  if (root.kind == "mq") {
    auto counted = TRY(queues_of(socket, device, ifindex));
    queues = counted;
  }
  int error = 0;
  if (queues <= 1) {
    error = put_qdisc(socket, ifindex, TC_H_ROOT, kOurs, "fq");
  } else {
    error = put_qdisc(socket, ifindex, TC_H_ROOT, kOurs, "mq");
    for (uint32_t queue = 1; error == 0 && queue <= queues; queue++)
      error = put_qdisc(socket, ifindex, kOurs | queue, 0, "fq");
  }
  if (error == 0) return true;
  TRY(remove_fq(device, ifindex));
  if (is_unknown_kind(error)) return false;
  return failed("device {}: installing fq as its root qdisc: {}", device, nl_geterror(error));
}

Result<void> remove_fq(const std::string& device, uint32_t ifindex) {
  auto root = TRY(root_qdisc(ifindex));
  if (root.owner != QdiscOwner::sluice) return {};
  auto netlink = TRY(open_netlink());
  const Qdisc qdisc = make_qdisc(ifindex, TC_H_ROOT, kOurs, nullptr);
  if (!qdisc) return failed("netlink: out of memory");
  if (const int error = rtnl_qdisc_delete(netlink.get(), qdisc.get()); error != 0)
    return failed("device {}: removing its root qdisc: {}", device, nl_geterror(error));
  return {};
}

}  // namespace sluice
