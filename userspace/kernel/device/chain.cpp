// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/device/chain.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <xdp/libxdp.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "kernel/state/objects.h"
#include "kernel/state/release.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/fd.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/map.h"
#include "kernel/system/routes.h"
#include "kernel/system/system_error.h"

namespace sluice {
namespace {

using Chain = std::unique_ptr<xdp_multiprog, void (*)(xdp_multiprog*)>;

// The XDP programs of a device; null: none.
Chain chain_on(uint32_t ifindex) {
  libbpf_log_capture();
  libxdp_set_print([](libxdp_print_level, const char*, va_list) { return 0; });
  auto* chain = xdp_multiprog__get_from_ifindex(static_cast<int>(ifindex));
  return {libxdp_get_error(chain) != 0 ? nullptr : chain, xdp_multiprog__close};
}

uint32_t map_id(const std::string& path) {
  const Fd map(bpf_obj_get(path.c_str()));
  bpf_map_info info{};
  uint32_t info_bytes = sizeof(info);
  if (!map.valid() || bpf_obj_get_info_by_fd(map.get(), &info, &info_bytes) != 0) return 0;
  return info.id;
}

// Every XDP program of sluice uses map `verdicts`, and each instance has its own.
bool is_of_instance(int program_fd, uint32_t verdicts) {
  std::vector<uint32_t> maps(64);
  bpf_prog_info info{};
  info.nr_map_ids = static_cast<uint32_t>(maps.size());
  info.map_ids = reinterpret_cast<uintptr_t>(maps.data());
  uint32_t info_bytes = sizeof(info);
  if (verdicts == 0 || bpf_obj_get_info_by_fd(program_fd, &info, &info_bytes) != 0) return false;
  maps.resize(std::min<size_t>(maps.size(), info.nr_map_ids));
  return std::find(maps.begin(), maps.end(), verdicts) != maps.end();
}

// The fast path tail-calls the slow path, which a dispatcher does not allow. The slow path handles
// every packet.
std::string name_in_dispatcher(const std::string& program) {
  return program == "steer" ? "steer_slow" : program;
}

// The instance's programs of this name in a dispatcher, which owns them. Two while one replaces the
// other.
std::vector<xdp_program*> all_in(const Chain& chain, const std::string& program,
                                 const std::string& links) {
  std::vector<xdp_program*> all;
  if (!chain || xdp_multiprog__is_legacy(chain.get())) return all;
  const uint32_t verdicts = map_id(links + "/../verdicts");
  for (auto* each = xdp_multiprog__next_prog(nullptr, chain.get()); each != nullptr;
       each = xdp_multiprog__next_prog(each, chain.get())) {
    if (name_in_dispatcher(program) == xdp_program__name(each) &&
        is_of_instance(xdp_program__fd(each), verdicts))
      all.push_back(each);
  }
  return all;
}

// Null: not found.
xdp_program* find_in(const Chain& chain, const std::string& program, const std::string& links) {
  const auto all = all_in(chain, program, links);
  return all.empty() ? nullptr : all.front();
}

// The kernel's hash of the program's instructions; empty: unknown.
std::string tag_of(int program_fd) {
  bpf_prog_info info{};
  uint32_t info_bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(program_fd, &info, &info_bytes) != 0) return {};
  return {reinterpret_cast<const char*>(info.tag), sizeof(info.tag)};
}

Result<void> take_out(const Chain& chain, xdp_program* program, const std::string& device,
                      uint32_t ifindex) {
  const auto mode = xdp_multiprog__attach_mode(chain.get());
  if (const int error = xdp_program__detach(program, static_cast<int>(ifindex), mode, 0);
      error != 0)
    return failed("device {}: taking a program out of libxdp's dispatcher: {}", device,
                  error_text(-error));
  return {};
}

Result<void> refuse_other(uint32_t ifindex, const std::string& device) {
  const Chain chain = chain_on(ifindex);
  if (!chain || !xdp_multiprog__is_legacy(chain.get())) return {};
  auto* main = xdp_multiprog__main_prog(chain.get());
  return failed(
      "device {}: has an XDP program already, and not in libxdp's dispatcher: {} (program id {}); "
      "load that one with xdp-loader, or detach it first",
      device, main != nullptr ? xdp_program__name(main) : "unknown",
      main != nullptr ? xdp_program__id(main) : 0);
}

Result<void> pin_attach_point(const InstanceDirectory& instance, const AttachPoint& point) {
  const Fd program = TRY(instance.program(point.program));
  const std::string path = instance.links() + "/" + point.pin_name();
  if (bpf_obj_pin(program.get(), path.c_str()) != 0)
    return failed("{}: pinning it: {}", path, error_text(errno));
  return {};
}

// If the kernel refuses dispatchers, libxdp attaches a single program without one.
Result<void> check_chained(const AttachPoint& point, const std::string& links, uint32_t ifindex,
                           xdp_program* program, xdp_attach_mode mode) {
  const Chain chain = chain_on(ifindex);
  if (find_in(chain, point.program, links) != nullptr) return {};
  xdp_program__detach(program, static_cast<int>(ifindex), mode, 0);
  return failed(
      "device {}: this kernel refuses the programs of libxdp's dispatcher (BPF_PROG_TYPE_EXT); "
      "attach without --chain",
      point.device);
}

// Why the kernel refused the dispatcher. Newer kernels require that a dispatcher declares that it
// changes packet data, which libxdp's does since xdp-tools pull request 509.
std::string refusal(int error, const std::string& log) {
  if (log.find("changes packet data") != std::string::npos)
    return "this kernel wants a libxdp of mid-2025 or later (1.5.5), and an older one is installed";
  return log.empty() ? error_text(error) : error_text(error) + "; " + log;
}

Result<void> put_in(const InstanceDirectory& instance, const AttachPoint& point, uint32_t ifindex,
                    bool generic) {
  const auto root = TRY(instance_root(instance.directory()));
  // libxdp loads the program from this sluice's object, so the instance must be of this version.
  const auto other = TRY(other_release_note(instance.directory()));
  if (!other.empty()) return failed("device {}: {}", point.device, other);
  const std::string program_name = name_in_dispatcher(point.program);
  const ChainedObject opened = TRY(open_chained(instance, program_name, root));

  xdp_program_opts options{};
  options.sz = sizeof(options);
  options.obj = opened.object;
  options.prog_name = program_name.c_str();
  const std::unique_ptr<xdp_program, void (*)(xdp_program*)> program(xdp_program__create(&options),
                                                                     xdp_program__close);
  if (const long error = libxdp_get_error(program.get()); error != 0)
    return failed("device {}: libxdp does not take {}: {}", point.device, point.program,
                  error_text(static_cast<int>(-error)));
  libbpf_log_take();
  const auto mode = generic ? XDP_MODE_SKB : XDP_MODE_NATIVE;
  if (const int error = xdp_program__attach(program.get(), static_cast<int>(ifindex), mode, 0);
      error != 0)
    return failed("device {}: putting {} into libxdp's dispatcher: {}", point.device, point.program,
                  refusal(-error, libbpf_log_take()));
  return check_chained(point, instance.links(), ifindex, program.get(), mode);
}

}  // namespace

Result<AttachPoint> chain_attach(const InstanceDirectory& instance, const std::string& program,
                                 const std::string& device, uint32_t ifindex, bool generic) {
  const AttachPoint point{program, HookKind::chained, device, network_namespace_id()};
  TRY(refuse_other(ifindex, device));
  // The pin comes first: if the process is killed after it, the next command finds the attach point
  // empty. A program without a pin would never be detached.
  TRY(pin_attach_point(instance, point));
  if (auto put = put_in(instance, point, ifindex, generic); !put) {
    (void)remove_pin(instance.links() + "/" + point.pin_name());
    return tl::unexpected(put.error());
  }
  return point;
}

bool chain_is_gone(const AttachPoint& point, const std::string& links) {
  if (point.namespace_id != network_namespace_id()) return false;
  const uint32_t ifindex = if_nametoindex(point.device.c_str());
  return ifindex == 0 || find_in(chain_on(ifindex), point.program, links) == nullptr;
}

Result<bool> chain_renew(const InstanceDirectory& instance, const AttachPoint& point) {
  const std::string links = instance.links();
  const uint32_t ifindex = if_nametoindex(point.device.c_str());
  const std::string wanted = tag_of(TRY(instance.program(name_in_dispatcher(point.program))).get());
  const auto is_wanted = [&](xdp_program* each) { return tag_of(xdp_program__fd(each)) == wanted; };
  const Chain before = chain_on(ifindex);
  const auto running = all_in(before, point.program, links);
  if (std::all_of(running.begin(), running.end(), is_wanted)) return false;
  if (std::none_of(running.begin(), running.end(), is_wanted)) {
    const bool generic = xdp_multiprog__attach_mode(before.get()) == XDP_MODE_SKB;
    TRY(put_in(instance, point, ifindex, generic));
  }
  const Chain both = chain_on(ifindex);
  for (auto* each : all_in(both, point.program, links)) {
    if (is_wanted(each)) continue;
    TRY(take_out(both, each, point.device, ifindex));
  }
  const Fd program = TRY(instance.program(point.program));
  TRY(repin(program.get(), links, point));
  return true;
}

Result<void> chain_detach(const AttachPoint& point, const std::string& links, uint32_t ifindex) {
  const Chain chain = chain_on(ifindex);
  auto* program = find_in(chain, point.program, links);
  return program == nullptr ? Result<void>{} : take_out(chain, program, point.device, ifindex);
}

}  // namespace sluice
