// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/system/map.h"

#include "kernel/system/bpffs.h"

namespace sluice {

Result<OpenedMap> open_map(const std::string& directory, const std::string& name,
                           uint32_t key_bytes, uint32_t value_bytes) {
  const std::string path = directory + "/" + name;
  Fd fd(bpf_obj_get(path.c_str()));
  if (!fd.valid() && errno == ENOENT)
    return failed(
        "{}: no such map, so the instance is of another version (sluice instance upgrade) or "
        "damaged (sluice instance remove)",
        path);
  if (!fd.valid()) return failed("{}: {}", path, error_text(errno));

  bpf_map_info info{};
  uint32_t info_bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd.get(), &info, &info_bytes) != 0)
    return failed("{}: {}", path, error_text(errno));
  if (info.key_size != key_bytes || info.value_size != value_bytes)
    return failed(
        "{}: keys and values of {} and {} bytes where this sluice has {} and {}, so the instance "
        "is of another version {}",
        path, info.key_size, info.value_size, key_bytes, value_bytes, restart_advice(directory));
  return OpenedMap{std::move(fd), name, info.max_entries, info.btf_id};
}

}  // namespace sluice
