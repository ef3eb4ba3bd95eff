// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/system/memory.h"

#include <bpf/bpf.h>

#include <fstream>

#include "kernel/system/bpffs.h"
#include "kernel/system/fd.h"
#include "kernel/system/system_error.h"

namespace sluice {
namespace {

// "memlock" of a map's fdinfo (kernel/bpf/syscall.c, bpf_map_show_fdinfo).
Result<uint64_t> memory_bytes(const Fd& map, const std::string& name) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(map.get()));
  for (std::string word; info >> word;) {
    uint64_t bytes = 0;
    if (word == "memlock:" && info >> bytes) return bytes;
  }
  return failed("map {}: the kernel does not report its memory", name);
}

Result<void> add_inner(const Fd& outer, uint32_t entries, MapMemory& memory) {
  for (uint32_t index = 0; index < entries; index++) {
    uint32_t id = 0;
    if (bpf_map_lookup_elem(outer.get(), &index, &id) != 0) continue;
    const Fd inner(bpf_map_get_fd_by_id(id));
    // Replaced since. The new inner map is not counted.
    if (!inner.valid()) continue;
    auto bytes = TRY(memory_bytes(inner, memory.name));
    memory.bytes += bytes;
    memory.maps++;
  }
  return {};
}

}  // namespace

Result<std::vector<MapMemory>> memory_of(const std::string& directory) {
  auto names = TRY(list_directory(directory));
  std::vector<MapMemory> all;
  for (const auto& name : names) {
    const std::string path = directory + "/" + name;
    if (directory_exists(path)) continue;
    const Fd map(bpf_obj_get(path.c_str()));
    bpf_map_info info{};
    uint32_t info_bytes = sizeof(info);
    if (!map.valid() || bpf_obj_get_info_by_fd(map.get(), &info, &info_bytes) != 0)
      return failed("{}: {}", path, error_text(errno));
    auto bytes = TRY(memory_bytes(map, name));
    MapMemory memory{name, 1, bytes};
    if (info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS) {
      TRY(add_inner(map, info.max_entries, memory));
    }
    all.push_back(std::move(memory));
  }
  return all;
}

}  // namespace sluice
