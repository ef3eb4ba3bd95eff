/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring slot of a flow, and its backend. A settled slot costs one cache line of the ring.
 */
#ifndef SLUICE_STEER_RING_LOOKUP_H
#define SLUICE_STEER_RING_LOOKUP_H

#include "maps/rings.h"
#include "pure/hash.h"
#include "sluice/ring.h"
#include "steer/service_lookup.h"
#include "steer/service_prefix.h"
#include "wire/packet.h"

struct ring_slot {
	__u32 backend; /* 0: none */
	bool moving;
	/* Set only if the slot moves: */
	__u32 previous;	 /* 0: none */
	__u32 since_s;	 /* when it left its settled state */
	__u32 timeout_s; /* a flow that was silent for longer counts as new */
};

static __always_inline __u32 ring_flow_hash(const struct packet *packet,
					    const struct service *service)
{
	__be16 both[2] = {packet->source_port, packet->destination_port};
	__u32 ports;

	__builtin_memcpy(&ports, both, sizeof(ports));
	if (service->flags & SLUICE_SERVICE_AFFINE)
		ports = service->salt;
	if (packet->v6) {
		__u32 source[4];

		__builtin_memcpy(source, &packet->source_high, sizeof(__u64));
		__builtin_memcpy(source + 2, &packet->source_low, sizeof(__u64));
		return flow_hash_v6(seed.words, source, ports);
	}
	return flow_hash_v4(seed.words, address_v4(packet->source_low), ports);
}

/*
 * 0: the service has no ring. Read once: the ring that the word names stays unchanged as long as
 * this program runs.
 */
static __always_inline __u64 ring_head(__u32 service)
{
	struct sluice_ring_head *head = bpf_map_lookup_elem(&ring_heads, &service);

	return head ? *(volatile __u64 *)&head->word : 0;
}

static __always_inline __u32 ring_index(__u64 head, __u32 hash)
{
	return ((__u64)hash << (SLUICE_RING_BITS(head) & 31)) >> 32;
}

/* The slot in the first column: backend, and the bit of a moving slot. 0: none. */
static __always_inline __u32 ring_first_column(__u64 head, __u32 hash)
{
	__u32 index = ring_index(head, hash);
	__u32 line = SLUICE_RING_FIRST(head) + index / SLUICE_RING_LINE_SLOTS;
	struct sluice_ring_line *found = bpf_map_lookup_elem(&ring_lines, &line);

	return found ? found->slots[index % SLUICE_RING_LINE_SLOTS] : 0;
}

/* The other columns of a moving slot (sluice/ring.h). */
static __always_inline bool ring_pick_moving(__u64 head, __u32 index, struct ring_slot *slot)
{
	__u32 column = (1u << (SLUICE_RING_BITS(head) & 31)) / SLUICE_RING_LINE_SLOTS;
	__u32 line = index / SLUICE_RING_LINE_SLOTS;
	__u32 previous = SLUICE_RING_FIRST(head) + column + line;
	__u32 since = SLUICE_RING_FIRST(head) + 2 * column + line / SLUICE_RING_LINE_SLOTS;
	__u32 last = SLUICE_RING_FIRST(head) + SLUICE_RING_LINES(head) - 1;
	struct sluice_ring_line *found;

	found = bpf_map_lookup_elem(&ring_lines, &previous);
	if (!found)
		return false;
	slot->previous = found->slots[index % SLUICE_RING_LINE_SLOTS];
	found = bpf_map_lookup_elem(&ring_lines, &since);
	if (!found)
		return false;
	slot->since_s = found->slots[line % SLUICE_RING_LINE_SLOTS];
	found = bpf_map_lookup_elem(&ring_lines, &last);
	if (!found)
		return false;
	slot->timeout_s = found->slots[SLUICE_RING_TIMEOUT_S];
	return true;
}

/* False: the service has no ring, because it never had a backend. */
static __always_inline bool ring_pick(__u32 service, __u32 hash, struct ring_slot *slot)
{
	__u64 head = ring_head(service);
	__u32 found;

	if (!head)
		return false;
	found = ring_first_column(head, hash);
	slot->backend = found & SLUICE_SLOT_BACKEND;
	slot->moving = found & SLUICE_SLOT_MOVING;
	return !slot->moving || ring_pick_moving(head, ring_index(head, hash), slot);
}

#endif
