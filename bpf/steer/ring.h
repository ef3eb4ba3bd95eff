/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which slot does a flow fall into, and what stands there? One cache line of a settled ring.
 */
#ifndef SLUICE_STEER_RING_H
#define SLUICE_STEER_RING_H

#include "pure/hash.h"
#include "sluice/ring.h"
#include "steer/packet.h"
#include "steer/service.h"

struct ring {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct sluice_ring_line));
	__uint(max_entries, 1);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + 1);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct ring);
} rings SEC(".maps");

/* The one field of the kernel's own description of a map that we read. */
struct bpf_map {
	__u32 max_entries;
} __attribute__((preserve_access_index));

struct ring_slot {
	__u32 backend;	 /* 0: none */
	__u32 previous;	 /* 0: none */
	__u32 changed_s; /* of a moving slot: when its ring last changed */
	bool moving;
};

static __always_inline __u32 ring_flow_hash(const struct packet *packet,
					    const struct service *service)
{
	__be16 both[2] = {packet->source_port, packet->destination_port};
	__u32 ports;

	__builtin_memcpy(&ports, both, sizeof(ports));
	if (service->flags & SLUICE_SERVICE_AFFINE)
		ports = service->salt;
	if (packet->v6)
		return flow_hash(seed.words,
				 flow_hash_sum_v6(seed.words, packet->source_high,
						  packet->source_low),
				 ports);
	return flow_hash(seed.words, flow_hash_sum_v4(seed.words, address_v4(packet->source_low)),
			 ports);
}

/* The short way: what stands in the first column of a settled ring; 0: it moves, or is none. */
static __always_inline __u32 ring_first_column(__u32 service, __u32 hash)
{
	struct bpf_map *ring = bpf_map_lookup_elem(&rings, &service);
	struct sluice_ring_line *found;
	__u32 lines, index, line;

	if (!ring)
		return 0;
	lines = ring->max_entries;
	if (lines & (lines - 1))
		return 0;
	index = ((__u64)hash * lines * SLUICE_RING_LINE_SLOTS) >> 32;
	line = index / SLUICE_RING_LINE_SLOTS;
	found = bpf_map_lookup_elem(ring, &line);
	return found ? found->slots[index % SLUICE_RING_LINE_SLOTS] : 0;
}

/* False: the service has no ring, for it never had a backend. */
static __always_inline bool ring_pick(__u32 service, __u32 hash, struct ring_slot *slot)
{
	struct bpf_map *ring = bpf_map_lookup_elem(&rings, &service);
	__u32 lines, line, column, index, last;
	struct sluice_ring_line *found;

	if (!ring)
		return false;
	lines = ring->max_entries;
	column = lines & 1 ? lines >> 1 : lines;
	index = ((__u64)hash * column * SLUICE_RING_LINE_SLOTS) >> 32;
	line = index / SLUICE_RING_LINE_SLOTS;
	found = bpf_map_lookup_elem(ring, &line);
	if (!found)
		return false;
	index %= SLUICE_RING_LINE_SLOTS;
	slot->backend = found->slots[index] & SLUICE_SLOT_BACKEND;
	slot->moving = found->slots[index] & SLUICE_SLOT_MOVING;
	if (!slot->moving)
		return true;
	line += column;
	found = bpf_map_lookup_elem(ring, &line);
	if (!found)
		return false;
	slot->previous = found->slots[index];
	last = lines - 1;
	found = bpf_map_lookup_elem(ring, &last);
	if (!found)
		return false;
	slot->changed_s = found->slots[SLUICE_RING_CHANGED_S];
	return true;
}

#endif
