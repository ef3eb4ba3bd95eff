/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Just enough tracking: only flows of moving slots are remembered.
 *
 *	slot	 new connection			in mid-connection
 *	settled	 backend, nothing stored	backend, no look-up (never comes here)
 *	moving	 backend, remembered		what is remembered; else previous, and remembered
 *
 * `previous` is what the slot had when it was last settled and stays so through further changes:
 * whatever began since is in the table, whatever is unknown began before. A SYN enters only
 * `half_open`; its second packet promotes it to `flows`, so that a flood churns the smaller table.
 */
#ifndef SLUICE_STEER_FLOW_H
#define SLUICE_STEER_FLOW_H

#include "sluice/flow.h"
#include "steer/nexthop.h"
#include "steer/packet.h"
#include "steer/ring.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_tracked_flow);
	__uint(max_entries, SLUICE_FLOWS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_tracked_flow);
	__uint(max_entries, SLUICE_HALF_OPEN_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} half_open SEC(".maps");

#define NS_PER_S 1000000000ull

static __always_inline __u32 flow_now_s(void)
{
	return bpf_ktime_get_coarse_ns() / NS_PER_S;
}

static __always_inline bool flow_backend_takes_new(__u32 backend)
{
	struct sluice_backend *record = bpf_map_lookup_elem(&backends, &backend);

	return record && record->state == SLUICE_BACKEND_UP;
}

static __always_inline bool flow_backend_is_down(__u32 backend)
{
	struct sluice_backend *record = bpf_map_lookup_elem(&backends, &backend);

	return record && record->state == SLUICE_BACKEND_DOWN;
}

static __always_inline __u32 flow_remember(void *table, const struct sluice_flow *flow,
					   __u32 backend, __u32 now_s)
{
	struct sluice_tracked_flow tracked = {.backend = backend, .seen_s = now_s};

	bpf_map_update_elem(table, flow, &tracked, BPF_ANY);
	return backend;
}

/*
 * A SYN. One that is sent again keeps what the first one got: two servers must not both answer.
 * So does a new connection of a 5-tuple that is still remembered, unless its backend takes no more.
 */
static __always_inline __u32 flow_opening(const struct sluice_flow *flow, __u32 backend,
					  __u32 now_s)
{
	struct sluice_tracked_flow *tracked = bpf_map_lookup_elem(&half_open, flow);

	if (tracked && flow_backend_takes_new(tracked->backend))
		return tracked->backend;
	tracked = bpf_map_lookup_elem(&flows, flow);
	if (tracked) {
		if (flow_backend_takes_new(tracked->backend))
			return tracked->backend;
		bpf_map_delete_elem(&flows, flow);
	}
	return backend ? flow_remember(&half_open, flow, backend, now_s) : 0;
}

static __always_inline __u32 flow_established(const struct sluice_flow *flow, __u32 otherwise,
					      __u32 now_s)
{
	struct sluice_tracked_flow *tracked = bpf_map_lookup_elem(&flows, flow);
	__u32 backend;

	if (tracked) {
		if (tracked->seen_s != now_s)
			tracked->seen_s = now_s;
		return tracked->backend;
	}
	tracked = bpf_map_lookup_elem(&half_open, flow);
	if (!tracked)
		return otherwise ? flow_remember(&flows, flow, otherwise, now_s) : 0;
	backend = flow_remember(&flows, flow, tracked->backend, now_s);
	bpf_map_delete_elem(&half_open, flow);
	return backend;
}

/*
 * UDP has no SYN by which a flow could begin anew: one whose remembered backend is down does so
 * with whatever packet comes next.
 */
static __always_inline __u32 flow_datagram(const struct sluice_flow *flow,
					   const struct ring_slot *slot, __u32 now_s)
{
	bool settling = now_s - slot->changed_s < SLUICE_UDP_GRACE_S;
	__u32 backend = flow_established(flow, settling ? slot->previous : slot->backend, now_s);

	if (backend != slot->backend && slot->backend && flow_backend_is_down(backend))
		return flow_remember(&flows, flow, slot->backend, now_s);
	return backend;
}

/* The backend of a packet whose slot moves; 0: none. */
static __always_inline __u32 flow_backend(const struct packet *packet, const struct ring_slot *slot)
{
	struct sluice_flow flow = packet_flow(packet);
	__u32 now_s = flow_now_s();

	if (packet->l4_proto == IPPROTO_UDP)
		return flow_datagram(&flow, slot, now_s);
	if (packet->opens)
		return flow_opening(&flow, slot->backend, now_s);
	return flow_established(&flow, slot->previous, now_s);
}

#endif
