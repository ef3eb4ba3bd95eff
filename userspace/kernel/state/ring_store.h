// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Where the rings of all services lie: one array of lines, and of each service the place of its
// ring in it (bpf/steer/ring_lookup.h). Both are mapped, so that a ring is written by copying it and goes
// live with one store of 64 bits. Which lines are free follows from the heads alone: whoever is
// killed before that store has left nothing behind.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/system/fd.h"
#include "sluice/ring.h"
#include "support/result.h"

namespace sluice {

class RingStore {
 public:
  RingStore() = default;
  static Result<RingStore> open(const std::string& directory);

  // Empty: the service has no ring.
  [[nodiscard]] std::vector<sluice_ring_line> read(uint32_t service) const;
  // From this call's one store on, packets see the new ring. Where the old one was stays as it is
  // until reuse(). Fails, and changes nothing, where no gap is long enough.
  Result<void> write(uint32_t service, const std::vector<sluice_ring_line>& lines, uint8_t bits);
  bool erase(uint32_t service);  // false: there was none
  // No packet sees any more what was there before (KernelDataplane::swap_rings).
  void reuse() { gaps_.reset(); }

  [[nodiscard]] uint64_t lines_used() const;
  [[nodiscard]] uint64_t lines() const { return lines_.bytes / sizeof(sluice_ring_line); }

 private:
  // A map's values, mapped for as long as this lives.
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
  static Result<Mapping> map(const std::string& directory, const char* name, uint32_t value_bytes);

  [[nodiscard]] uint64_t head(uint32_t service) const;
  void set_head(uint32_t service, uint64_t head);
  [[nodiscard]] sluice_ring_line* line(uint32_t index) const;
  [[nodiscard]] std::map<uint32_t, uint32_t> gaps() const;
  [[nodiscard]] Result<uint32_t> take_lines(size_t count);

  // First line and length of each, since the last reuse(); not yet asked for: empty.
  std::optional<std::map<uint32_t, uint32_t>> gaps_;
  Mapping heads_;
  Mapping lines_;
};

}  // namespace sluice
