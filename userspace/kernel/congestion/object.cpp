// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/congestion/object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "congestion.skel.h"
#include "kernel/congestion/control.h"
#include "kernel/system/fd.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/system_error.h"

namespace sluice {
namespace {

constexpr uint32_t struct_ops_link_flag = 1U << 13;  // BPF_F_LINK
// Placeholder in congestion.bpf.c. 16 bytes with the NUL, like the name that replaces it.
constexpr std::string_view unnamed = "sluice@unnamed@";
static_assert(unnamed.size() == congestion_name_length);

// libbpf 1.1 cannot set the initial value of a struct_ops map, so the name is written into a copy
// of the object file before it is opened.
Result<std::string> named_object(const std::string& name) {
  size_t size = 0;
  const auto* bytes = static_cast<const char*>(congestion_bpf__elf_bytes(&size));
  std::string object(bytes, size);
  const size_t at = object.find(unnamed);
  if (at == std::string::npos || object.find(unnamed, at + 1) != std::string::npos)
    return failed("congestion: the BPF object does not hold its name exactly once");
  std::string padded = name;
  padded.resize(unnamed.size(), '\0');
  object.replace(at, padded.size(), padded);
  return object;
}

// `object` must outlive the load of the skeleton.
Result<CongestionObject> open_skeleton(const std::string& object, const std::string& instance_dir) {
  CongestionObject skeleton(static_cast<congestion_bpf*>(std::calloc(1, sizeof(congestion_bpf))));
  if (!skeleton || congestion_bpf__create_skeleton(skeleton.get()) != 0)
    return failed("congestion: out of memory");
  skeleton->skeleton->data = const_cast<char*>(object.data());  // libbpf only reads it
  skeleton->skeleton->data_sz = object.size();
  LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = instance_dir.c_str());
  if (const int error = bpf_object__open_skeleton(skeleton->skeleton, &options))
    return failed("congestion: open the BPF object: {}", libbpf_reason(error));
  return skeleton;
}

// Reuses the instance's pinned maps, with their capacities.
Result<void> adopt_maps(bpf_object* object) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const char* path = bpf_map__pin_path(map);
    if (!path) continue;
    const Fd pinned(bpf_obj_get(path));
    if (!pinned.valid()) {
      if (errno == ENOENT) continue;
      return failed("congestion: open map {}: {}", path, libbpf_reason(errno));
    }
    bpf_map_info info{};
    uint32_t length = sizeof(info);
    if (bpf_obj_get_info_by_fd(pinned.get(), &info, &length) != 0)
      return failed("congestion: look at map {}: {}", path, libbpf_reason(errno));
    if (info.key_size != bpf_map__key_size(map) || info.value_size != bpf_map__value_size(map))
      return failed(
          "congestion: map {} has keys of {} and values of {} bytes where {} and {} are "
          "needed; it is another version's instance",
          path, info.key_size, info.value_size, bpf_map__key_size(map), bpf_map__value_size(map));
    if (const int error = bpf_map__reuse_fd(map, pinned.get()))
      return failed("congestion: adopt map {}: {}", path, libbpf_reason(error));
  }
  return {};
}

// Map `congestion_services` has one entry per possible service, and one for flows without a
// service.
Result<void> size_sums(congestion_bpf& skeleton) {
  bpf_map* sums = skeleton.maps.congestion_services;
  if (bpf_map__fd(sums) >= 0) return {};  // adopted
  const uint32_t services = bpf_map__max_entries(skeleton.maps.policies) + 1;
  if (const int error = bpf_map__set_max_entries(sums, services))
    return failed("congestion: map congestion_services of {} entries: {}", services,
                  libbpf_reason(error));
  return {};
}

}  // namespace

void DestroyCongestionObject::operator()(congestion_bpf* object) const {
  congestion_bpf__destroy(object);
}

Result<CongestionObject> load_congestion_object(const std::string& instance_dir,
                                                const std::string& name,
                                                const CongestionKernel& kernel, CongestionUse use) {
  auto bytes = TRY(named_object(name));
  auto skeleton = TRY(open_skeleton(bytes, instance_dir));
  skeleton->rodata->cong_control_arguments = kernel.cong_control_arguments;
  if (kernel.links) bpf_map__set_map_flags(skeleton->maps.sluice_ops, struct_ops_link_flag);
  TRY(adopt_maps(skeleton->obj));
  TRY(size_sums(*skeleton));
  if (use == CongestionUse::only_verify) {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, skeleton->obj) bpf_map__set_pin_path(map, nullptr);
  }
  if (const int error = congestion_bpf__load(skeleton.get()))
    return failed("congestion: load into the kernel: {}", libbpf_reason(error));
  return skeleton;
}

bpf_map* congestion_ops(const CongestionObject& object) {
  return object->maps.sluice_ops;
}

std::vector<uint32_t> program_ids(const CongestionObject& object) {
  std::vector<uint32_t> ids;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object->obj) {
    bpf_prog_info info{};
    uint32_t length = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length) == 0)
      ids.push_back(info.id);
  }
  return ids;
}

bool same_programs(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  const auto tags = [](const std::vector<uint32_t>& ids) {
    std::vector<uint64_t> all;
    for (const uint32_t id : ids) {
      const Fd program(bpf_prog_get_fd_by_id(id));
      bpf_prog_info info{};
      uint32_t length = sizeof(info);
      uint64_t tag = 0;
      if (program.valid() && bpf_obj_get_info_by_fd(program.get(), &info, &length) == 0)
        memcpy(&tag, info.tag, sizeof(tag));
      all.push_back(tag);
    }
    std::sort(all.begin(), all.end());
    return all;
  };
  return tags(a) == tags(b);
}

}  // namespace sluice
