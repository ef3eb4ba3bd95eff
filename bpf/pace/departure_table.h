/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The departure table. The slot of a flow is in one cache line of an array, found by the flow's
 * keyed hash, at any number of flows. A hash map with 5-tuples as keys costs several times as much
 * once its entries are out of cache. Decisions: pure/departure_slot.h.
 */
#ifndef SLUICE_PACE_DEPARTURE_TABLE_H
#define SLUICE_PACE_DEPARTURE_TABLE_H

#include "maps/departures.h"
#include "pace/class.h"
#include "pure/hash.h"
#include "pure/departure_slot.h"
#include "pure/fair_share.h"
#include "sluice/limits.h"

/* Set at load time: the seed of the instance; the number of lines, a power of two, minus 1. */
const volatile struct sluice_seed seed = {};
const volatile __u32 departures_mask = 0;

static __noinline void departure_table_name(__u32 number, const struct pace_packet *packet,
					    __u32 tag)
{
	struct sluice_departure_name *name = bpf_map_lookup_elem(&departure_names, &number);

	if (!name || !packet)
		return;
	name->tag = 0;
	name->flow = packet->flow;
	name->service = packet->service;
	name->tag = tag;
}

/* The slot of the packet's flow, claimed if the flow has none. NULL only for the verifier. */
static __always_inline struct sluice_departure *
departure_table_find(const struct pace_packet *packet, __u64 now_ns)
{
	__u64 hash = flow_hash_whole(seed.words, &packet->flow);
	__u32 first_at = departure_slot_first(hash, departures_mask), second_at,
	      tag = departure_slot_tag(hash);
	struct sluice_departure_line *first, *second;
	struct sluice_departure *slot;
	int at;

	first = bpf_map_lookup_elem(&departures, &first_at);
	if (!first)
		return NULL;
	at = departure_slot_index(first, tag);
	if (at >= 0)
		return &first->flows[at & 1];
	second_at = departure_slot_second(hash, departures_mask);
	second = bpf_map_lookup_elem(&departures, &second_at);
	if (!second)
		return NULL;
	at = departure_slot_index(second, tag);
	if (at >= 0)
		return &second->flows[at & 1];

	at = departure_slot_choose(first, second, now_ns);
	slot = at < 2 ? &first->flows[at & 1] : &second->flows[at & 1];
	if (departure_slot_claim(slot, tag, share_ticks(now_ns)))
		departure_table_name((at < 2 ? first_at : second_at) * SLUICE_DEPARTURES_OF_LINE +
					     (at & 1),
				     packet, tag);
	return slot;
}

#endif
