// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/inner_maps.h"

#include <bpf/btf.h>

#include <cstring>
#include <numeric>

#include "kernel/system/mapped_values.h"

namespace sluice {
namespace {

constexpr uint32_t kTable = 0;  // index of the one table in `service_tables`

Result<void> fill(int map_fd, const char* name, const void* values, size_t value_bytes,
                  size_t count, uint32_t flags) {
  if ((flags & BPF_F_MMAPABLE) != 0 && value_bytes % 8 == 0) {
    const MappedValues mapped(map_fd, value_bytes * count, PROT_READ | PROT_WRITE);
    if (!mapped.valid()) return failed("map {}: mapping it: {}", name, error_text(errno));
    memcpy(mapped.get(), values, value_bytes * count);
    return {};
  }
  std::vector<uint32_t> keys(count);
  std::iota(keys.begin(), keys.end(), 0);
  auto written = static_cast<uint32_t>(count);
  if (bpf_map_update_batch(map_fd, keys.data(), values, &written, nullptr) != 0)
    return failed("map {}: filling it: {}", name, error_text(errno));
  return {};
}

}  // namespace

// Reading the types costs more than most commands, which make no map.
Result<void> InnerMaps::read_types() {
  if (btf_id_ == 0 || types_) return {};
  btf_fd_.reset(bpf_btf_get_fd_by_id(btf_id_));
  types_.reset(btf__load_from_kernel_by_id(btf_id_), btf__free);
  if (btf_fd_.valid() && types_) return {};
  return failed("BTF {} of the instance's maps: {}", btf_id_, error_text(errno));
}

Result<Fd> InnerMaps::make(const char* name, const char* type, const void* values,
                           size_t value_bytes, size_t count, uint32_t flags) {
  LIBBPF_OPTS(bpf_map_create_opts, options);
  options.map_flags = flags;
  TRY(read_types());
  if (types_ && type != nullptr) {
    const int key_type = btf__find_by_name_kind(types_.get(), "unsigned int", BTF_KIND_INT);
    const int value_type = btf__find_by_name_kind(types_.get(), type, BTF_KIND_STRUCT);
    if (key_type > 0 && value_type > 0) {
      options.btf_fd = static_cast<uint32_t>(btf_fd_.get());
      options.btf_key_type_id = static_cast<uint32_t>(key_type);
      options.btf_value_type_id = static_cast<uint32_t>(value_type);
    }
  }
  Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t),
                        static_cast<uint32_t>(value_bytes), static_cast<uint32_t>(count),
                        &options));
  if (!map.valid()) return failed("map {}: making it: {}", name, error_text(errno));

  TRY(fill(map.get(), name, values, value_bytes, count, flags));
  return map;
}

// Kernels up to 6.1 refuse an inner map with BTF types if the inner map of the declaration has
// none, which is the case with libbpf.
Result<void> InnerMaps::swap(int outer_fd, uint32_t index, const char* name, const char* type,
                             const void* values, size_t value_bytes, size_t count, uint32_t flags) {
  int error = 0;
  for (const char* types : {type, static_cast<const char*>(nullptr)}) {
    auto inner = TRY(make(name, types, values, value_bytes, count, flags));
    const int inner_fd = inner.get();
    if (bpf_map_update_elem(outer_fd, &index, &inner_fd, BPF_ANY) == 0) return {};
    error = errno;
    if (error != EINVAL) break;
  }
  return failed("map {}: swapping it in: {}", name, error_text(error));
}

// An update of an outer map waits for every program that runs (kernel/bpf/syscall.c,
// maybe_wait_bpf_programs), even if it changes nothing.
Result<void> wait_for_packets(Map<uint32_t, uint32_t>& service_tables) {
  auto table = TRY(service_tables.find(kTable));
  if (!table) return {};  // no packet has ever found a service
  const Fd fd(bpf_map_get_fd_by_id(*table));
  if (!fd.valid()) return failed("map service_tables: {}", error_text(errno));
  return service_tables.put(kTable, static_cast<uint32_t>(fd.get()));
}

}  // namespace sluice
