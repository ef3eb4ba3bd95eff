// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/device/hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include "kernel/device/chain.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/fd.h"
#include "kernel/system/routes.h"
#include "kernel/system/system_error.h"

namespace sluice {
namespace {

// Attach types of kernel 6.6 (commit e420bed02507), missing in libbpf 1.1's headers.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);

// Priority of sluice's clsact filters, so that filters of other software are never touched.
constexpr uint32_t kClsactPriority = 0x51c;

// One handle per program that can share a direction of a device with another one.
uint32_t clsact_handle(const std::string& program) {
  if (program.starts_with("pace")) return 1;
  return program.starts_with("probe") ? 2 : 3;
}

bool is_egress(const std::string& program) {
  return program.find("egress") != std::string::npos;
}

std::string program_name(uint32_t program_id) {
  const Fd fd(bpf_prog_get_fd_by_id(program_id));
  bpf_prog_info info{};
  uint32_t info_bytes = sizeof(info);
  if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &info, &info_bytes) != 0) return "unknown";
  return info.name;
}

std::string xdp_occupant(uint32_t ifindex) {
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  if (bpf_xdp_query(static_cast<int>(ifindex), 0, &query) != 0 || query.prog_id == 0)
    return "another program";
  return fmt::format("{} (program id {})", program_name(query.prog_id), query.prog_id);
}

Result<void> pin(int fd, const std::string& path) {
  if (bpf_obj_pin(fd, path.c_str()) == 0) return {};
  return failed("{}: pinning it: {}", path, error_text(errno));
}

// Before it is pinned, the link lives only as long as its descriptor: a kill leaves nothing behind.
Result<AttachPoint> pin_link(const Fd& link, AttachPoint point, const std::string& links) {
  TRY(pin(link.get(), links + "/" + point.pin_name()));
  return point;
}

Result<AttachPoint> attach_xdp(int program_fd, AttachPoint point, const std::string& links,
                               uint32_t ifindex) {
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.flags = point.kind == HookKind::native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  const Fd link(bpf_link_create(program_fd, static_cast<int>(ifindex), BPF_XDP, &options));
  if (!link.valid() && (errno == EBUSY || errno == EEXIST))
    return failed(
        "device {}: has an XDP program already: {} (detach that first, or attach beside it: "
        "--chain)",
        point.device, xdp_occupant(ifindex));
  if (!link.valid())
    return failed("device {}: {} XDP: {}", point.device, hook_kind_text(point.kind),
                  error_text(errno));
  return pin_link(link, std::move(point), links);
}

bpf_tc_hook clsact_hook(bool egress, uint32_t ifindex) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
  return hook;
}

bpf_tc_opts clsact_filter(const std::string& program) {
  bpf_tc_opts options{};
  options.sz = sizeof(options);
  options.handle = clsact_handle(program);
  options.priority = kClsactPriority;
  return options;
}

Result<AttachPoint> attach_clsact(int program_fd, bool egress, AttachPoint point,
                                  const std::string& links, uint32_t ifindex) {
  point.kind = HookKind::clsact;
  auto hook = clsact_hook(egress, ifindex);
  if (const int error = bpf_tc_hook_create(&hook); error != 0 && error != -EEXIST)
    return failed("device {}: making its clsact qdisc: {}", point.device, error_text(-error));
  // The pin comes first: if the process were killed between the two, a filter without a pin would
  // never be detached.
  TRY(pin(program_fd, links + "/" + point.pin_name()));
  auto options = clsact_filter(point.program);
  options.prog_fd = program_fd;
  options.flags = BPF_TC_F_REPLACE;
  if (const int error = bpf_tc_attach(&hook, &options); error != 0)
    return failed("device {}: attaching to clsact: {}", point.device, error_text(-error));
  return point;
}

Result<AttachPoint> attach_tc(int program_fd, bool egress, AttachPoint point,
                              const std::string& links, uint32_t ifindex) {
  const Fd link(bpf_link_create(program_fd, static_cast<int>(ifindex),
                                egress ? kTcxEgress : kTcxIngress, nullptr));
  if (!link.valid()) return attach_clsact(program_fd, egress, std::move(point), links, ifindex);
  point.kind = HookKind::tcx;
  return pin_link(link, std::move(point), links);
}

// 0: unknown.
uint32_t program_id(int program_fd) {
  bpf_prog_info info{};
  uint32_t info_bytes = sizeof(info);
  return bpf_obj_get_info_by_fd(program_fd, &info, &info_bytes) == 0 ? info.id : 0;
}

Result<bool> swap_clsact(const AttachPoint& point, const std::string& links, int program_fd) {
  const auto hook = clsact_hook(is_egress(point.program), if_nametoindex(point.device.c_str()));
  auto options = clsact_filter(point.program);
  const bool runs = bpf_tc_query(&hook, &options) == 0 && options.prog_id == program_id(program_fd);
  const Fd pinned(bpf_obj_get((links + "/" + point.pin_name()).c_str()));
  if (runs && program_id(pinned.get()) == program_id(program_fd)) return false;
  options = clsact_filter(point.program);
  options.prog_fd = program_fd;
  options.flags = BPF_TC_F_REPLACE;
  if (const int error = runs ? 0 : bpf_tc_attach(&hook, &options); error != 0)
    return failed("device {}: {}: replacing it at clsact: {}", point.device, point.program,
                  error_text(-error));
  TRY(repin(program_fd, links, point));
  return true;
}

}  // namespace

Result<AttachPoint> hook_attach(int program_fd, Hook hook, const std::string& links,
                                const std::string& program, const std::string& device,
                                uint32_t ifindex) {
  AttachPoint point{program, HookKind::native, device, network_namespace_id()};
  switch (hook) {
    case Hook::xdp_native:
      break;
    case Hook::xdp_generic:
      point.kind = HookKind::generic;
      break;
    case Hook::tc_ingress:
      return attach_tc(program_fd, false, point, links, ifindex);
    case Hook::tc_egress:
      return attach_tc(program_fd, true, point, links, ifindex);
  }
  return attach_xdp(program_fd, point, links, ifindex);
}

bool hook_is_gone(const AttachPoint& point, const std::string& links) {
  if (point.kind == HookKind::chained) return chain_is_gone(point, links);
  if (point.kind == HookKind::clsact)
    return point.namespace_id == network_namespace_id() &&
           if_nametoindex(point.device.c_str()) == 0;
  const Fd link(bpf_obj_get((links + "/" + point.pin_name()).c_str()));
  bpf_link_info info{};
  uint32_t info_bytes = sizeof(info);
  if (!link.valid() || bpf_obj_get_info_by_fd(link.get(), &info, &info_bytes) != 0) return true;
  // A tcx link has its ifindex at the same offset. It is 0 once the device is gone.
  return info.xdp.ifindex == 0;
}

Result<bool> link_swap(const std::string& path, int program_fd) {
  const Fd link(bpf_obj_get(path.c_str()));
  bpf_link_info info{};
  uint32_t info_bytes = sizeof(info);
  if (!link.valid() || bpf_obj_get_info_by_fd(link.get(), &info, &info_bytes) != 0)
    return failed("{}: {}", path, error_text(errno));
  if (info.prog_id == program_id(program_fd)) return false;
  if (bpf_link_update(link.get(), program_fd, nullptr) != 0)
    return failed("{}: replacing its program: {}", path, error_text(errno));
  return true;
}

Result<bool> hook_swap(const AttachPoint& point, const std::string& links, int program_fd) {
  return point.kind == HookKind::clsact ? swap_clsact(point, links, program_fd)
                                        : link_swap(links + "/" + point.pin_name(), program_fd);
}

Result<void> hook_detach(const AttachPoint& point, const std::string& links) {
  const std::string path = links + "/" + point.pin_name();
  const uint32_t ifindex =
      point.namespace_id == network_namespace_id() ? if_nametoindex(point.device.c_str()) : 0;
  if (point.kind == HookKind::chained && ifindex != 0) {
    TRY(chain_detach(point, links, ifindex));
  }
  if (point.kind == HookKind::clsact && ifindex != 0) {
    const auto hook = clsact_hook(is_egress(point.program), ifindex);
    const auto options = clsact_filter(point.program);
    if (const int error = bpf_tc_detach(&hook, &options); error != 0 && error != -ENOENT)
      return failed("device {}: detaching from clsact: {}", point.device, error_text(-error));
  }
  return remove_pin(path);
}

}  // namespace sluice
