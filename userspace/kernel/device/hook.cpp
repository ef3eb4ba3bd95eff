// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/device/hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <array>

#include "kernel/device/chain.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/fd.h"
#include "kernel/system/routes.h"
#include "kernel/system/system_error.h"

namespace sluice {
namespace {

// Attach types of kernel 6.6, which this libbpf's headers do not know yet (commit e420bed02507).
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);

// Where our clsact filters are: a priority of our own, so that others' filters are never touched.
constexpr uint32_t kClsactPriority = 0x51c;

// A handle for each that may be on the same side of a device as another one.
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

// Until it is pinned the link lives only with its descriptor: who is killed here leaves nothing.
Result<HookPlace> pin_link(const Fd& link, HookPlace place, const std::string& links) {
  TRY(pin(link.get(), links + "/" + place.pin_name()));
  return place;
}

Result<HookPlace> attach_xdp(int program_fd, HookPlace place, const std::string& links,
                             uint32_t ifindex) {
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.flags = place.kind == HookKind::native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  const Fd link(bpf_link_create(program_fd, static_cast<int>(ifindex), BPF_XDP, &options));
  if (!link.valid() && (errno == EBUSY || errno == EEXIST))
    return failed(
        "device {}: has an XDP program already: {} (detach that first, or stand beside it: "
        "--chain)",
        place.device, xdp_occupant(ifindex));
  if (!link.valid())
    return failed("device {}: {} XDP: {}", place.device, hook_kind_text(place.kind),
                  error_text(errno));
  return pin_link(link, std::move(place), links);
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

Result<HookPlace> attach_clsact(int program_fd, bool egress, HookPlace place,
                                const std::string& links, uint32_t ifindex) {
  place.kind = HookKind::clsact;
  auto hook = clsact_hook(egress, ifindex);
  if (const int error = bpf_tc_hook_create(&hook); error != 0 && error != -EEXIST)
    return failed("device {}: making its clsact qdisc: {}", place.device, error_text(-error));
  // The pin comes first: a filter without one would be purged by whoever is killed here.
  TRY(pin(program_fd, links + "/" + place.pin_name()));
  auto options = clsact_filter(place.program);
  options.prog_fd = program_fd;
  options.flags = BPF_TC_F_REPLACE;
  if (const int error = bpf_tc_attach(&hook, &options); error != 0)
    return failed("device {}: attaching to clsact: {}", place.device, error_text(-error));
  return place;
}

Result<HookPlace> attach_tc(int program_fd, bool egress, HookPlace place, const std::string& links,
                            uint32_t ifindex) {
  const Fd link(bpf_link_create(program_fd, static_cast<int>(ifindex),
                                egress ? kTcxEgress : kTcxIngress, nullptr));
  if (!link.valid()) return attach_clsact(program_fd, egress, std::move(place), links, ifindex);
  place.kind = HookKind::tcx;
  return pin_link(link, std::move(place), links);
}

// 0: it cannot be known.
uint32_t program_id(int program_fd) {
  bpf_prog_info info{};
  uint32_t info_bytes = sizeof(info);
  return bpf_obj_get_info_by_fd(program_fd, &info, &info_bytes) == 0 ? info.id : 0;
}

Result<bool> swap_clsact(const HookPlace& place, const std::string& links, int program_fd) {
  const auto hook = clsact_hook(is_egress(place.program), if_nametoindex(place.device.c_str()));
  auto options = clsact_filter(place.program);
  const bool runs = bpf_tc_query(&hook, &options) == 0 && options.prog_id == program_id(program_fd);
  const Fd pinned(bpf_obj_get((links + "/" + place.pin_name()).c_str()));
  if (runs && program_id(pinned.get()) == program_id(program_fd)) return false;
  options = clsact_filter(place.program);
  options.prog_fd = program_fd;
  options.flags = BPF_TC_F_REPLACE;
  if (const int error = runs ? 0 : bpf_tc_attach(&hook, &options); error != 0)
    return failed("device {}: {}: replacing it at clsact: {}", place.device, place.program,
                  error_text(-error));
  TRY(repin(program_fd, links, place));
  return true;
}

constexpr std::array<HookKind, 5> kKinds = {HookKind::native, HookKind::generic, HookKind::tcx,
                                            HookKind::clsact, HookKind::chained};

}  // namespace

std::string_view hook_kind_text(HookKind kind) {
  switch (kind) {
    case HookKind::native:
      return "native";
    case HookKind::generic:
      return "generic";
    case HookKind::tcx:
      return "tcx";
    case HookKind::clsact:
      return "clsact";
    case HookKind::chained:
      return "chained";
  }
  return "unknown";
}

std::string HookPlace::pin_name() const {
  std::string encoded;
  for (const char c : device) {
    if (c == '.')
      encoded += "%2e";
    else if (c == '%')
      encoded += "%25";
    else
      encoded += c;
  }
  return fmt::format("{}-{}-{}@{}", program, hook_kind_text(kind), encoded, namespace_id);
}

std::optional<HookPlace> HookPlace::from_pin_name(const std::string& pin_name) {
  const auto first = pin_name.find('-');
  const auto second = pin_name.find('-', first == std::string::npos ? first : first + 1);
  const auto at = pin_name.rfind('@');
  if (second == std::string::npos || at == std::string::npos || at < second) return std::nullopt;
  HookPlace place;
  place.program = pin_name.substr(0, first);
  place.namespace_id = pin_name.substr(at + 1);
  const std::string kind = pin_name.substr(first + 1, second - first - 1);
  bool known = false;
  for (const auto candidate : kKinds) {
    if (kind != hook_kind_text(candidate)) continue;
    place.kind = candidate;
    known = true;
  }
  if (!known) return std::nullopt;
  const std::string encoded = pin_name.substr(second + 1, at - second - 1);
  for (size_t i = 0; i < encoded.size(); i++) {
    if (encoded[i] == '%' && i + 2 < encoded.size()) {
      place.device += encoded.compare(i, 3, "%2e") == 0 ? '.' : '%';
      i += 2;
    } else {
      place.device += encoded[i];
    }
  }
  return place;
}

Result<std::vector<HookPlace>> hook_places(const std::string& links) {
  std::vector<HookPlace> all;
  if (!directory_exists(links)) return all;
  auto names = TRY(list_directory(links));
  for (const auto& name : names)
    if (auto place = HookPlace::from_pin_name(name)) all.push_back(*place);
  return all;
}

Result<HookPlace> hook_attach(int program_fd, Hook hook, const std::string& links,
                              const std::string& program, const std::string& device,
                              uint32_t ifindex) {
  HookPlace place{program, HookKind::native, device, network_namespace_id()};
  switch (hook) {
    case Hook::xdp_native:
      break;
    case Hook::xdp_generic:
      place.kind = HookKind::generic;
      break;
    case Hook::tc_ingress:
      return attach_tc(program_fd, false, place, links, ifindex);
    case Hook::tc_egress:
      return attach_tc(program_fd, true, place, links, ifindex);
  }
  return attach_xdp(program_fd, place, links, ifindex);
}

bool hook_is_gone(const HookPlace& place, const std::string& links) {
  if (place.kind == HookKind::chained) return chain_is_gone(place, links);
  if (place.kind == HookKind::clsact)
    return place.namespace_id == network_namespace_id() &&
           if_nametoindex(place.device.c_str()) == 0;
  const Fd link(bpf_obj_get((links + "/" + place.pin_name()).c_str()));
  bpf_link_info info{};
  uint32_t info_bytes = sizeof(info);
  if (!link.valid() || bpf_obj_get_info_by_fd(link.get(), &info, &info_bytes) != 0) return true;
  // tcx links have their ifindex at the same place; it is 0 once the device is gone.
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

Result<bool> hook_swap(const HookPlace& place, const std::string& links, int program_fd) {
  return place.kind == HookKind::clsact ? swap_clsact(place, links, program_fd)
                                        : link_swap(links + "/" + place.pin_name(), program_fd);
}

// Made aside, in a name that is no place's, for a place without a pin would be purged.
Result<void> repin(int program_fd, const std::string& links, const HookPlace& place) {
  const std::string aside = links + "/replacing";
  TRY(remove_pin(aside));
  TRY(pin(program_fd, aside));
  const std::string path = links + "/" + place.pin_name();
  if (rename(aside.c_str(), path.c_str()) != 0)
    return failed("{}: renaming it to {}: {}", aside, path, error_text(errno));
  return {};
}

Result<void> hook_detach(const HookPlace& place, const std::string& links) {
  const std::string path = links + "/" + place.pin_name();
  const uint32_t ifindex =
      place.namespace_id == network_namespace_id() ? if_nametoindex(place.device.c_str()) : 0;
  if (place.kind == HookKind::chained && ifindex != 0) {
    TRY(chain_detach(place, links, ifindex));
  }
  if (place.kind == HookKind::clsact && ifindex != 0) {
    const auto hook = clsact_hook(is_egress(place.program), ifindex);
    const auto options = clsact_filter(place.program);
    if (const int error = bpf_tc_detach(&hook, &options); error != 0 && error != -ENOENT)
      return failed("device {}: detaching from clsact: {}", place.device, error_text(-error));
  }
  return remove_pin(path);
}

}  // namespace sluice
