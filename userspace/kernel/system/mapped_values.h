// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#pragma once

#include <sys/mman.h>

#include <cstddef>

namespace sluice {

// Maps the values of an array with BPF_F_MMAPABLE into memory. They are contiguous, each rounded up
// to 8 bytes.
class MappedValues {
 public:
  MappedValues(int map_fd, size_t bytes, int protection)
      : bytes_(bytes), values_(mmap(nullptr, bytes, protection, MAP_SHARED, map_fd, 0)) {}
  ~MappedValues() {
    if (valid()) munmap(values_, bytes_);
  }
  MappedValues(const MappedValues&) = delete;
  MappedValues& operator=(const MappedValues&) = delete;
  [[nodiscard]] bool valid() const { return values_ != MAP_FAILED; }
  [[nodiscard]] void* get() const { return values_; }

 private:
  size_t bytes_;
  void* values_;
};

}  // namespace sluice
