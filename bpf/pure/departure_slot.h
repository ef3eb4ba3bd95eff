/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Slots of the departure table. A flow is in one of two lines of two slots each. The only state of
 * a flow is when it may next send. Once that time is past, the slot can be reused at no loss. A
 * slot whose flow still waits is reused only if all four wait.
 */
#ifndef SLUICE_PURE_DEPARTURE_SLOT_H
#define SLUICE_PURE_DEPARTURE_SLOT_H

#include "sluice/departure.h"

static inline __u32 departure_slot_tag(__u64 hash)
{
	return (__u32)(hash >> 32) ? (__u32)(hash >> 32) : 1;
}

static inline __u32 departure_slot_first(__u64 hash, __u32 mask)
{
	return (__u32)hash & mask;
}

/* Differs from the first, unless the table has only one line. */
static inline __u32 departure_slot_second(__u64 hash, __u32 mask)
{
	return ((__u32)hash ^ ((__u32)(hash >> 32) * 0x85ebca6bu | 1)) & mask;
}

/* Index of the slot in its line, or -1. */
static inline int departure_slot_index(const struct sluice_departure_line *line, __u32 tag)
{
	if (line->flows[0].tag == tag)
		return 0;
	return line->flows[1].tag == tag ? 1 : -1;
}

static inline int departure_slot_waits(const struct sluice_departure *flow, __u64 now_ns)
{
	return flow->tag && flow->departs_ns > now_ns;
}

/* The end of the slot's need; 0: the slot is free. */
static inline __u64 departure_slot_busy_until_ns(const struct sluice_departure *flow)
{
	return flow->tag ? flow->departs_ns : 0;
}

/* Index of the slot in the line that is free, or unneeded for longest. */
static inline int departure_slot_idlest(const struct sluice_departure_line *line)
{
	return departure_slot_busy_until_ns(&line->flows[1]) <
	       departure_slot_busy_until_ns(&line->flows[0]);
}

static inline int departure_slot_load(const struct sluice_departure_line *line, __u64 now_ns)
{
	return departure_slot_waits(&line->flows[0], now_ns) +
	       departure_slot_waits(&line->flows[1], now_ns);
}

/*
 * One of four slots; 0 and 1 are the first line's. It is in the line with the lower load, which
 * keeps lines from filling up (Azar, Broder, Karlin, Upfal, "Balanced allocations", 1999). At equal
 * load it is the one that is unneeded for longest.
 */
static inline int departure_slot_choose(const struct sluice_departure_line *first,
					const struct sluice_departure_line *second, __u64 now_ns)
{
	int first_load = departure_slot_load(first, now_ns),
	    second_load = departure_slot_load(second, now_ns);
	int in_first = departure_slot_idlest(first), in_second = departure_slot_idlest(second);

	if (first_load != second_load)
		return first_load < second_load ? in_first : 2 + in_second;
	if (departure_slot_busy_until_ns(&second->flows[in_second]) <
	    departure_slot_busy_until_ns(&first->flows[in_first]))
		return 2 + in_second;
	return in_first;
}

/* Claims a slot for a new flow. 0: another CPU was faster. */
static inline int departure_slot_claim(struct sluice_departure *slot, __u32 tag, __u32 now_ticks)
{
	__u32 before = *(volatile __u32 *)&slot->tag;

	if (__sync_val_compare_and_swap(&slot->tag, before, tag) != before)
		return 0;
	slot->seen_ticks = now_ticks;
	slot->departs_ns = 0;
	slot->bytes = 0;
	slot->held_since_ticks = now_ticks;
	slot->weight = 0;
	return 1;
}

#endif
