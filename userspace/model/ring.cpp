// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How rings change. bpf/steer/ring_lookup.h reads them; maglev.cpp builds the targets.
#include "model/ring.h"

#include <algorithm>
#include <bit>

#include "model/demand.h"
#include "pure/ring_layout.h"
#include "sluice/limits.h"

namespace sluice {

namespace {

constexpr size_t kLine = SLUICE_RING_LINE_SLOTS;

// `is_down` is called only for a backend that a slot would keep.
template <typename IsDown>
RingSlot slot_transition(const RingSlot& slot, uint32_t target, IsDown is_down, uint32_t now_s) {
  if (!slot.moving && (slot.backend == target || slot.backend == 0)) return {target, 0, false, 0};
  // From here on the flow table decides for some packets of this slot: for living connections that
  // began while it moved, and for dead ones whose 5-tuple is used again. Only a sweep ends that.
  const uint32_t kept = slot.moving ? slot.previous : slot.backend;
  return {target, kept == 0 || is_down(kept) ? target : kept, true,
          slot.moving ? slot.since_s : now_s};
}

}  // namespace

Ring ring_refine(const Ring& ring, uint8_t ring_bits) {
  const size_t slots = size_t{1} << ring_bits;
  if (ring.empty()) return {};
  demand(std::has_single_bit(ring.size()) && ring.size() <= slots,
         "ring_refine: a ring only grows, from a power of two");
  const size_t factor = slots / ring.size();
  Ring refined;
  refined.reserve(slots);
  for (const RingSlot& slot : ring) refined.insert(refined.end(), factor, slot);
  return refined;
}

Ring ring_transition(const Ring& ring, const std::vector<uint32_t>& target,
                     const std::vector<uint32_t>& down, uint32_t now_s) {
  demand(ring.empty() || ring.size() == target.size(),
         "ring_transition: ring and target differ in size; ring_refine comes first");
  std::vector<uint32_t> sorted_down = down;
  std::sort(sorted_down.begin(), sorted_down.end());
  auto is_down = [&sorted_down](uint32_t backend) {
    return std::binary_search(sorted_down.begin(), sorted_down.end(), backend);
  };
  Ring changed(target.size());
  for (size_t i = 0; i < target.size(); i++) {
    changed[i] = slot_transition(ring.empty() ? RingSlot{} : ring[i], target[i], is_down, now_s);
  }
  return changed;
}

Ring ring_settled(Ring ring) {
  for (RingSlot& slot : ring) slot = {slot.backend, 0, false, 0};
  return ring;
}

size_t ring_moving_slots(const Ring& ring) {
  return static_cast<size_t>(
      std::count_if(ring.begin(), ring.end(), [](const RingSlot& slot) { return slot.moving; }));
}

std::vector<sluice_ring_line> ring_lines(const Ring& ring, uint32_t timeout_s) {
  demand(ring.empty() || ring.size() >= size_t{1} << SLUICE_RING_BITS_MIN,
         "ring_lines: a ring of fewer slots than SLUICE_RING_BITS_MIN");
  const auto column = static_cast<uint32_t>(ring.size() / kLine);
  const bool moves =
      std::any_of(ring.begin(), ring.end(), [](const RingSlot& s) { return s.moving; });
  std::vector<sluice_ring_line> lines(moves ? ring_moving_lines(column) : column);
  for (size_t i = 0; i < ring.size(); i++) {
    const RingSlot& slot = ring[i];
    const size_t line = i / kLine;
    demand(((slot.backend | slot.previous) & SLUICE_SLOT_MOVING) == 0,
           "ring_lines: a backend number of more than 31 bits");
    lines[line].slots[i % kLine] = slot.backend | (slot.moving ? SLUICE_SLOT_MOVING : 0);
    if (!slot.moving) continue;
    lines[column + line].slots[i % kLine] = slot.previous;
    uint32_t& since_s = lines[2 * size_t{column} + line / kLine].slots[line % kLine];
    since_s = std::max(since_s, slot.since_s);
  }
  if (moves) lines.back().slots[SLUICE_RING_TIMEOUT_S] = timeout_s;
  return lines;
}

Ring ring_from_lines(const std::vector<sluice_ring_line>& lines) {
  const auto count = static_cast<uint32_t>(lines.size());
  const bool settled = ring_lines_settled(count);
  const uint32_t column = settled ? count : ring_moving_column(count);
  demand(settled || count == ring_moving_lines(column),
         "ring_from_lines: lines that are neither a settled nor a moving ring");
  Ring ring(column * kLine);
  for (size_t i = 0; i < ring.size(); i++) {
    const size_t line = i / kLine;
    const uint32_t word = lines[line].slots[i % kLine];
    ring[i].backend = word & SLUICE_SLOT_BACKEND;
    if (settled || (word & SLUICE_SLOT_MOVING) == 0) continue;
    ring[i].moving = true;
    ring[i].previous = lines[column + line].slots[i % kLine];
    ring[i].since_s = lines[2 * size_t{column} + line / kLine].slots[line % kLine];
  }
  return ring;
}

// A ring has less than 128 slots per backend, unless it is of the smallest size.
uint32_t ring_store_lines(uint32_t services, uint32_t backends) {
  constexpr uint32_t each = 128 / SLUICE_RING_LINE_SLOTS;
  constexpr uint32_t least = (1u << SLUICE_RING_BITS_MIN) / SLUICE_RING_LINE_SLOTS;
  constexpr uint32_t most = (1u << SLUICE_RING_BITS_MAX) / SLUICE_RING_LINE_SLOTS;
  return 1 + services * ring_moving_lines(least) + ring_moving_lines(backends * each) +
         2 * ring_moving_lines(most);
}

}  // namespace sluice
