// Rings as they change: see DESIGN, "Just enough tracking". The packet path's half of the bargain
// is in bpf/steer/ring.h; how targets are built is in maglev.cpp.
#include "model/ring.h"

#include <algorithm>
#include <bit>

#include "model/demand.h"

namespace sluice {

namespace {

size_t column_lines(size_t slots) {
  return (slots + SLUICE_RING_LINE_SLOTS - 1) / SLUICE_RING_LINE_SLOTS;
}

uint32_t& line_slot(std::vector<sluice_ring_line>& lines, size_t column, size_t slot) {
  return lines[column + slot / SLUICE_RING_LINE_SLOTS].slots[slot % SLUICE_RING_LINE_SLOTS];
}

// `is_down` is asked only of what a slot would keep.
template <typename IsDown>
RingSlot slot_transition(const RingSlot& slot, uint32_t target, IsDown is_down) {
  if (!slot.moving && (slot.backend == target || slot.backend == 0)) return {target, 0, false};
  // From here on the flow table has, or may have, a say in this slot: living connections that began
  // while it moved, and dead ones whose 5-tuple comes again. Only a sweep ends that.
  const uint32_t kept = slot.moving ? slot.previous : slot.backend;
  return {target, kept == 0 || is_down(kept) ? target : kept, true};
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
                     const std::vector<uint32_t>& down) {
  demand(ring.empty() || ring.size() == target.size(),
         "ring_transition: ring and target differ in size; ring_refine comes first");
  std::vector<uint32_t> sorted_down = down;
  std::sort(sorted_down.begin(), sorted_down.end());
  auto is_down = [&sorted_down](uint32_t backend) {
    return std::binary_search(sorted_down.begin(), sorted_down.end(), backend);
  };
  Ring changed(target.size());
  for (size_t i = 0; i < target.size(); i++) {
    changed[i] = slot_transition(ring.empty() ? RingSlot{} : ring[i], target[i], is_down);
  }
  return changed;
}

Ring ring_settled(Ring ring) {
  for (RingSlot& slot : ring) slot = {slot.backend, 0, false};
  return ring;
}

size_t ring_moving_slots(const Ring& ring) {
  return static_cast<size_t>(
      std::count_if(ring.begin(), ring.end(), [](const RingSlot& slot) { return slot.moving; }));
}

std::vector<sluice_ring_line> ring_lines(const Ring& ring) {
  const size_t column = column_lines(ring.size());
  const bool moves =
      std::any_of(ring.begin(), ring.end(), [](const RingSlot& s) { return s.moving; });
  std::vector<sluice_ring_line> lines(moves ? 2 * column : column);
  for (size_t i = 0; i < ring.size(); i++) {
    const RingSlot& slot = ring[i];
    demand(((slot.backend | slot.previous) & SLUICE_SLOT_MOVING) == 0,
           "ring_lines: a backend number of more than 31 bits");
    line_slot(lines, 0, i) = slot.backend | (slot.moving ? SLUICE_SLOT_MOVING : 0);
    if (slot.moving) line_slot(lines, column, i) = slot.previous;
  }
  return lines;
}

Ring ring_from_lines(const std::vector<sluice_ring_line>& lines, uint8_t ring_bits) {
  Ring ring(size_t{1} << ring_bits);
  const size_t column = column_lines(ring.size());
  demand(lines.size() == column || lines.size() == 2 * column,
         "ring_from_lines: lines that are not one or two columns of so many slots");
  for (size_t i = 0; i < ring.size(); i++) {
    const auto at = [&lines, i](size_t first) {
      return lines[first + i / SLUICE_RING_LINE_SLOTS].slots[i % SLUICE_RING_LINE_SLOTS];
    };
    const uint32_t word = at(0);
    const bool moving = (word & SLUICE_SLOT_MOVING) != 0;
    ring[i] = {word & SLUICE_SLOT_BACKEND, moving && lines.size() > column ? at(column) : 0,
               moving};
  }
  return ring;
}

}  // namespace sluice
