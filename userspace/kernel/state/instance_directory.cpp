// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/instance_directory.h"

#include <bpf/bpf.h>

#include "kernel/system/bpffs.h"
#include "kernel/system/system_error.h"

namespace sluice {
namespace {

Result<uint32_t> map_capacity(const std::string& path) {
  const Fd map(bpf_obj_get(path.c_str()));
  bpf_map_info info{};
  uint32_t info_bytes = sizeof(info);
  if (!map.valid() || bpf_obj_get_info_by_fd(map.get(), &info, &info_bytes) != 0)
    return failed("{}: {}", path, error_text(errno));
  return info.max_entries;
}

}  // namespace

InstanceDirectory InstanceDirectory::of(const std::string& name) {
  return {name, instance_directory(name)};
}

Result<Fd> InstanceDirectory::program(const std::string& program) const {
  const std::string path = programs() + "/" + program;
  Fd fd(bpf_obj_get(path.c_str()));
  if (!fd.valid()) return failed("{}: {}", path, error_text(errno));
  return fd;
}

Result<InstanceLimits> InstanceDirectory::limits() const {
  // Number 0 is no service and no backend.
  return InstanceLimits{.services = TRY(map_capacity(directory_ + "/service_configs")) - 1,
                        .backends = TRY(map_capacity(directory_ + "/backend_configs")) - 1,
                        .flows = TRY(map_capacity(directory_ + "/flows"))};
}

}  // namespace sluice
