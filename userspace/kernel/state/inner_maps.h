// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Inner maps of a map of maps: created full, and swapped in with one write.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernel/system/fd.h"
#include "kernel/system/map.h"
#include "support/result.h"

struct btf;

namespace sluice {

// Creates inner maps and swaps them in. They get the BTF types of the object that declared the
// outer map, so that bpftool shows their fields by name.
class InnerMaps {
 public:
  InnerMaps() = default;
  explicit InnerMaps(uint32_t btf_id) : btf_id_(btf_id) {}

  // Puts a map of these values into `outer` with one write; `flags` as in bpf_map_create.
  template <typename Value>
  Result<void> swap(Map<uint32_t, uint32_t>& outer, uint32_t index, const char* name,
                    const char* type, const std::vector<Value>& values, uint32_t flags) {
    return swap(outer.fd(), index, name, type, values.data(), sizeof(Value), values.size(), flags);
  }

 private:
  Result<void> swap(int outer_fd, uint32_t index, const char* name, const char* type,
                    const void* values, size_t value_bytes, size_t count, uint32_t flags);
  Result<void> read_types();
  // `type` may be null: no types.
  [[nodiscard]] Result<Fd> make(const char* name, const char* type, const void* values,
                                size_t value_bytes, size_t count, uint32_t flags);

  uint32_t btf_id_ = 0;
  Fd btf_fd_;
  std::shared_ptr<btf> types_;
};

// Returns when every packet that is in the programs now has left them. `service_tables` is the map
// of the instance.
Result<void> wait_for_packets(Map<uint32_t, uint32_t>& service_tables);

}  // namespace sluice
