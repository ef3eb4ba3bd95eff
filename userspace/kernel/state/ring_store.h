// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The rings of all services: one array of lines, and per service a head with the location of its
// ring (bpf/steer/ring_lookup.h). Both maps are memory-mapped: a ring is copied, then published by
// one 64-bit store of its head. Free lines follow from the heads alone, so a process that is killed
// before that store leaks nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/system/map.h"
#include "sluice/ring.h"
#include "support/result.h"

namespace sluice {

class RingStore {
 public:
  RingStore() = default;
  static Result<RingStore> open(const std::string& directory);

  // Empty: the service has no ring.
  [[nodiscard]] Result<std::vector<sluice_ring_line>> read(uint32_t service);
  // Packets see the new ring from the store of its head on. The lines of the old ring stay
  // untouched until reuse(). Without a gap that is long enough, fails and changes nothing.
  Result<void> write(uint32_t service, const std::vector<sluice_ring_line>& lines, uint8_t bits);
  bool erase(uint32_t service);  // false: there was none
  // Frees the lines of replaced rings. Precondition: no packet reads them any more
  // (KernelPacketPath::swap_rings).
  void reuse() { gaps_.reset(); }

  [[nodiscard]] uint64_t lines_used() const;
  [[nodiscard]] uint64_t lines() const { return lines_map_.max_entries; }

 private:
  // Memory mapping of a map's values.
  struct Mapping {
    Mapping() = default;
    ~Mapping();
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;

    void* memory = nullptr;
    size_t bytes = 0;
  };
  static Result<Mapping> map(const OpenedMap& opened, size_t offset, size_t bytes);

  // Some lines, mapped: of pages of their own, or within `all_lines_`.
  struct Window {
    Mapping pages;
    sluice_ring_line* first = nullptr;
  };
  [[nodiscard]] Result<Window> window(uint32_t first, size_t count);

  [[nodiscard]] uint64_t head(uint32_t service) const;
  void set_head(uint32_t service, uint64_t head);
  [[nodiscard]] std::map<uint32_t, uint32_t> gaps() const;
  [[nodiscard]] Result<uint32_t> take_lines(size_t count);

  // Free gaps, first line to length, as of the last reuse(); empty: not computed yet.
  std::optional<std::map<uint32_t, uint32_t>> gaps_;
  OpenedMap lines_map_;
  Mapping heads_;
  Mapping all_lines_;  // once there were many windows
  int windows_ = 0;
};

}  // namespace sluice
