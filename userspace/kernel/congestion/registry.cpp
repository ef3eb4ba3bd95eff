// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/congestion/registry.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <thread>

#include "kernel/system/system_error.h"

namespace sluice {
namespace {

// Name of the struct_ops map in congestion.bpf.c. It identifies sluice's maps.
constexpr const char* ops_map_name = "sluice_ops";

// enum bpf_struct_ops_state: registered without a link.
constexpr uint32_t state_in_use = 1;
constexpr size_t state_offset = 4;  // after the reference count

struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};

const btf_member* find_member(const btf* types, const btf_type* type, const char* name) {
  const btf_member* members = btf_members(type);
  for (uint32_t i = 0; i < btf_vlen(type); ++i) {
    const char* member = btf__name_by_offset(types, members[i].name_off);
    if (member && std::strcmp(member, name) == 0) return &members[i];
  }
  return nullptr;
}

const btf_type* find_struct(const btf* types, const char* name) {
  const int id = btf__find_by_name_kind(types, name, BTF_KIND_STRUCT);
  return id < 0 ? nullptr : btf__type_by_id(types, static_cast<uint32_t>(id));
}

// Number of arguments of a member that is a function pointer; 0: it is not one.
uint32_t argument_count(const btf* types, const btf_member* member) {
  const int pointer_id = btf__resolve_type(types, member->type);
  if (pointer_id < 0) return 0;
  const btf_type* pointer = btf__type_by_id(types, static_cast<uint32_t>(pointer_id));
  if (!btf_is_ptr(pointer)) return 0;
  const btf_type* function = btf__type_by_id(types, pointer->type);
  return function && btf_is_func_proto(function) ? btf_vlen(function) : 0;
}

// The build's bpf_link_info may lack struct_ops. Its map_id is the first field of the type-specific
// union, like xdp.ifindex.
uint32_t link_map_id(const bpf_link_info& info) {
  return info.xdp.ifindex;
}

std::optional<bpf_link_info> link_info(int fd) {
  bpf_link_info info{};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) return std::nullopt;
  return info;
}

// Ids of struct_ops links by the id of the map that each registers.
std::map<uint32_t, uint32_t> struct_ops_links() {
  std::map<uint32_t, uint32_t> links;
  uint32_t id = 0;
  while (bpf_link_get_next_id(id, &id) == 0) {
    const Fd link(bpf_link_get_fd_by_id(id));
    if (!link.valid()) continue;  // released meanwhile
    if (auto map_id = congestion_link_map(link.get())) links[*map_id] = id;
  }
  return links;
}

}  // namespace

Result<CongestionKernel> congestion_kernel() {
  const std::unique_ptr<btf, FreeBtf> types(btf__load_vmlinux_btf());
  if (!types)
    return failed(
        "congestion: this kernel does not describe its types ({}); it needs BTF "
        "(CONFIG_DEBUG_INFO_BTF, /sys/kernel/btf/vmlinux)",
        std::strerror(errno));
  const btf_type* value = find_struct(types.get(), "bpf_struct_ops_tcp_congestion_ops");
  const btf_type* ops = find_struct(types.get(), "tcp_congestion_ops");
  const btf_member* data = value ? find_member(types.get(), value, "data") : nullptr;
  const btf_member* name = ops ? find_member(types.get(), ops, "name") : nullptr;
  const btf_member* control = ops ? find_member(types.get(), ops, "cong_control") : nullptr;
  if (!data || !name || !control)
    return failed(
        "congestion: this kernel takes no congestion control from BPF; it needs "
        "struct_ops (CONFIG_BPF_JIT, CONFIG_DEBUG_INFO_BTF)");

  CongestionKernel kernel;
  kernel.name_offset = (data->offset + name->offset) / 8;
  const btf_member* members = btf_members(ops);
  for (uint32_t i = 0; i < btf_vlen(ops); ++i)
    if (argument_count(types.get(), &members[i]) > 0)
      kernel.operation_offsets.push_back((data->offset + members[i].offset) / 8);
  kernel.links = find_struct(types.get(), "bpf_struct_ops_link") != nullptr;
  kernel.cong_control_arguments = argument_count(types.get(), control);
  if (kernel.cong_control_arguments != 2 && kernel.cong_control_arguments != 4)
    return failed(
        "congestion: this kernel's cong_control takes {} arguments, and only 2 (before "
        "6.10) and 4 (since) are known; it is newer than this sluice",
        kernel.cong_control_arguments);
  return kernel;
}

Result<std::vector<CongestionEntry>> congestion_entries(const CongestionKernel& kernel) {
  std::vector<CongestionEntry> entries;
  const std::map<uint32_t, uint32_t> links = struct_ops_links();
  uint32_t id = 0;
  int error = 0;
  while ((error = bpf_map_get_next_id(id, &id)) == 0) {
    Fd map(bpf_map_get_fd_by_id(id));
    bpf_map_info info{};
    uint32_t length = sizeof(info);
    if (!map.valid() || bpf_obj_get_info_by_fd(map.get(), &info, &length) != 0) continue;
    if (info.type != BPF_MAP_TYPE_STRUCT_OPS || std::strcmp(info.name, ops_map_name) != 0) continue;

    std::vector<char> value(info.value_size);
    const uint32_t key = 0;
    if (value.size() < kernel.name_offset + 16 ||
        bpf_map_lookup_elem(map.get(), &key, value.data()) != 0)
      continue;
    uint32_t state = 0;
    std::memcpy(&state, value.data() + state_offset, sizeof(state));
    CongestionEntry entry;
    entry.map_id = id;
    const char* name = value.data() + kernel.name_offset;
    entry.name.assign(name, strnlen(name, 16));
    entry.in_use = state == state_in_use;
    // In place of a function pointer the kernel returns the id of its program.
    for (const uint32_t offset : kernel.operation_offsets) {
      uint64_t program = 0;
      if (offset + sizeof(program) > value.size()) continue;
      std::memcpy(&program, value.data() + offset, sizeof(program));
      if (program != 0) entry.program_ids.push_back(static_cast<uint32_t>(program));
    }
    if (auto link = links.find(id); link != links.end()) entry.link_id = link->second;
    entry.map = std::move(map);
    entries.push_back(std::move(entry));
  }
  if (error == -EPERM) return failed("congestion: list the kernel's maps: {}", error_text(EPERM));
  return entries;
}

std::optional<uint32_t> congestion_link_map(int link_fd) {
  const auto info = link_info(link_fd);
  if (!info || info->type != BPF_LINK_TYPE_STRUCT_OPS || link_map_id(*info) == 0)
    return std::nullopt;
  return link_map_id(*info);
}

bool congestion_link_gone(uint32_t link_id) {
  using namespace std::chrono_literals;
  for (auto waited = 0ms; waited < 5s; waited += 5ms) {
    const Fd link(bpf_link_get_fd_by_id(link_id));
    if (!link.valid()) return true;
    if (!congestion_link_map(link.get())) return true;  // detached
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

}  // namespace sluice
