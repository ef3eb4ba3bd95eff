// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/ring_store.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "kernel/system/map.h"
#include "kernel/system/system_error.h"
#include "sluice/limits.h"

namespace sluice {
namespace {

// Line 0 is always empty: the head of a service without a ring refers to it (sluice_ring_head).
constexpr uint32_t kFirstLine = 1;

}  // namespace

RingStore::Mapping::~Mapping() {
  if (memory != nullptr) munmap(memory, bytes);
}

RingStore::Mapping::Mapping(Mapping&& other) noexcept
    : memory(std::exchange(other.memory, nullptr)), bytes(std::exchange(other.bytes, 0)) {}

RingStore::Mapping& RingStore::Mapping::operator=(Mapping&& other) noexcept {
  std::swap(memory, other.memory);
  std::swap(bytes, other.bytes);
  return *this;
}

Result<RingStore::Mapping> RingStore::map(const OpenedMap& opened, size_t offset, size_t bytes) {
  Mapping mapping;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, opened.fd.get(),
                      static_cast<off_t>(offset));
  if (memory == MAP_FAILED) return failed("map {}: mapping it: {}", opened.name, error_text(errno));
  mapping.memory = memory;
  mapping.bytes = bytes;
  return mapping;
}

Result<RingStore> RingStore::open(const std::string& directory) {
  RingStore store;
  const auto heads =
      TRY(open_map(directory, "ring_heads", sizeof(uint32_t), sizeof(sluice_ring_head)));
  store.heads_ = TRY(map(heads, 0, size_t{heads.max_entries} * sizeof(sluice_ring_head)));
  store.lines_map_ =
      TRY(open_map(directory, "ring_lines", sizeof(uint32_t), sizeof(sluice_ring_line)));
  return store;
}

// The kernel maps every page of an array at once, and all lines are tens of megabytes: a command
// that touches few rings maps their pages alone.
Result<RingStore::Window> RingStore::window(uint32_t first, size_t count) {
  constexpr int windows_max = 8;
  constexpr size_t line_bytes = sizeof(sluice_ring_line);
  if (all_lines_.memory == nullptr && ++windows_ > windows_max)
    all_lines_ = TRY(map(lines_map_, 0, lines() * line_bytes));
  if (all_lines_.memory != nullptr)
    return Window{{}, static_cast<sluice_ring_line*>(all_lines_.memory) + first};
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t begin = first * line_bytes;
  const size_t within = begin % page_bytes;
  Window window;
  window.pages = TRY(map(lines_map_, begin - within, within + count * line_bytes));
  window.first =
      reinterpret_cast<sluice_ring_line*>(static_cast<char*>(window.pages.memory) + within);
  return window;
}

uint64_t RingStore::head(uint32_t service) const {
  auto* heads = static_cast<uint64_t*>(heads_.memory);
  return std::atomic_ref(heads[service]).load(std::memory_order_acquire);
}

void RingStore::set_head(uint32_t service, uint64_t head) {
  auto* heads = static_cast<uint64_t*>(heads_.memory);
  std::atomic_ref(heads[service]).store(head, std::memory_order_release);
}

std::map<uint32_t, uint32_t> RingStore::gaps() const {
  std::vector<std::pair<uint32_t, uint32_t>> used;  // first line, lines
  for (uint32_t i = 0; i < heads_.bytes / sizeof(uint64_t); i++) {
    const uint64_t head_of = head(i);
    if (head_of != 0) used.emplace_back(SLUICE_RING_FIRST(head_of), SLUICE_RING_LINES(head_of));
  }
  std::sort(used.begin(), used.end());
  std::map<uint32_t, uint32_t> free;
  uint32_t next = kFirstLine;
  for (const auto& [first, length] : used) {
    if (first > next) free.emplace(next, first - next);
    next = first + length;
  }
  if (next < lines()) free.emplace(next, static_cast<uint32_t>(lines()) - next);
  return free;
}

// First fit.
Result<uint32_t> RingStore::take_lines(size_t count) {
  if (!gaps_) gaps_ = gaps();
  for (auto gap = gaps_->begin(); gap != gaps_->end(); ++gap) {
    const auto [first, length] = *gap;
    if (length < count) continue;
    gaps_->erase(gap);
    if (length > count)
      gaps_->emplace(first + static_cast<uint32_t>(count), length - static_cast<uint32_t>(count));
    return first;
  }
  return failed(
      "rings: no room for one of {} lines ({} of {} are in use); remove some backends, or create "
      "an instance for more",
      count, lines_used(), lines());
}

Result<std::vector<sluice_ring_line>> RingStore::read(uint32_t service) {
  const uint64_t head_of = head(service);
  const size_t count = SLUICE_RING_LINES(head_of);
  if (count == 0) return std::vector<sluice_ring_line>{};
  const Window ring = TRY(window(static_cast<uint32_t>(SLUICE_RING_FIRST(head_of)), count));
  return std::vector<sluice_ring_line>(ring.first, ring.first + count);
}

Result<void> RingStore::write(uint32_t service, const std::vector<sluice_ring_line>& lines,
                              uint8_t bits) {
  auto first = TRY(take_lines(lines.size()));
  const Window ring = TRY(window(first, lines.size()));
  memcpy(ring.first, lines.data(), lines.size() * sizeof(sluice_ring_line));
  set_head(service, SLUICE_RING_HEAD(first, lines.size(), bits));
  return {};
}

bool RingStore::erase(uint32_t service) {
  if (head(service) == 0) return false;
  set_head(service, 0);
  return true;
}

uint64_t RingStore::lines_used() const {
  uint64_t used = kFirstLine;
  for (uint32_t i = 0; i < heads_.bytes / sizeof(uint64_t); i++) used += SLUICE_RING_LINES(head(i));
  return used;
}

}  // namespace sluice
