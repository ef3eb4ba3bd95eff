/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a flow's departures are kept: two lines of a table, of which it is in one. A flow's whole
 * memory is when it may next send; once that time is past it owes nothing, and its place can go to
 * another without anybody noticing. So a place is never taken from one who still waits, unless all
 * of them do.
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

/* Another one, unless there is one only. */
static inline __u32 departure_slot_second(__u64 hash, __u32 mask)
{
	return ((__u32)hash ^ ((__u32)(hash >> 32) * 0x85ebca6bu | 1)) & mask;
}

/* Its number in the line, or -1. */
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

/* Until when somebody needs it, or needed it once; 0: it is nobody's. */
static inline __u64 departure_slot_busy_until_ns(const struct sluice_departure *flow)
{
	return flow->tag ? flow->departs_ns : 0;
}

/* Of the two in a line the one that is nobody's, or that nobody has needed for longest. */
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
 * Of four, two in each line: one in the line where fewer wait, which is what keeps lines from
 * filling up (Azar, Broder, Karlin, Upfal, "Balanced allocations", 1999); where as many do, the one
 * that was needed longest ago. The first line's are 0 and 1.
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

/* Gives a place to a flow that has just begun. False: somebody else was quicker. */
static inline int departure_slot_claim(struct sluice_departure *place, __u32 tag, __u32 now_ticks)
{
	__u32 before = *(volatile __u32 *)&place->tag;

	if (__sync_val_compare_and_swap(&place->tag, before, tag) != before)
		return 0;
	place->seen_ticks = now_ticks;
	place->departs_ns = 0;
	place->bytes = 0;
	place->held_since_ticks = now_ticks;
	place->weight = 0;
	return 1;
}

#endif
