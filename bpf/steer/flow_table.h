/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables of tracked flows, for packets of moving slots: looks the flow up, lets pure/tracking.h
 * decide, and updates the tables.
 */
#ifndef SLUICE_STEER_FLOW_TABLE_H
#define SLUICE_STEER_FLOW_TABLE_H

#include "maps/backends.h"
#include "maps/tracked_flows.h"
#include "pure/tracking.h"
#include "sluice/flow.h"
#include "sluice/time.h"
#include "steer/ring_lookup.h"
#include "wire/packet.h"

static __always_inline __u32 flow_now_s(void)
{
	return bpf_ktime_get_coarse_ns() / SLUICE_NS_PER_SEC;
}

static __always_inline struct tracking_choice flow_choice(__u32 backend)
{
	struct tracking_choice choice = {.backend = backend};
	struct sluice_backend *record = bpf_map_lookup_elem(&backends, &backend);

	if (record)
		choice.state = record->state;
	return choice;
}

static __always_inline bool flow_backend_takes_new(__u32 backend)
{
	return flow_choice(backend).state == SLUICE_BACKEND_UP;
}

/* The tracked backend of a flow, if any. Renews the entry's time, because the flow is alive. */
static __always_inline struct tracking_choice
flow_tracked(void *table, const struct sluice_flow *flow, __u32 now_s, __u32 timeout_s)
{
	struct sluice_tracked_flow *tracked = bpf_map_lookup_elem(table, flow);
	struct tracking_choice choice = {};
	__u32 seen_s;

	if (!tracked)
		return choice;
	seen_s = tracked->seen_s;
	if (seen_s != now_s)
		tracked->seen_s = now_s;
	choice = flow_choice(tracked->backend);
	choice.lapsed = tracking_silent(now_s, seen_s, timeout_s);
	return choice;
}

static __always_inline bool flow_put(void *table, const struct sluice_flow *flow, __u32 backend,
				     __u32 now_s, __u64 flags)
{
	struct sluice_tracked_flow tracked = {.backend = backend, .seen_s = now_s};

	return !bpf_map_update_elem(table, flow, &tracked, flags);
}

/*
 * Tracks a flow that is in no table. If another CPU does so at the same moment, its entry counts.
 * An existing entry may be void, because its backend was removed (purge.bpf.c); it is reused.
 */
static __always_inline __u32 flow_put_unknown(const struct sluice_flow *flow, __u32 backend,
					      __u32 now_s)
{
	struct sluice_tracked_flow *tracked;
	__u32 other;

	if (flow_put(&flows, flow, backend, now_s, BPF_NOEXIST))
		return backend;
	tracked = bpf_map_lookup_elem(&flows, flow);
	if (!tracked)
		return backend;
	other = __sync_val_compare_and_swap(&tracked->backend, 0, backend);
	if (other)
		return other;
	tracked->seen_s = now_s;
	return backend;
}

static __always_inline enum tracking_packet flow_packet(const struct packet *packet)
{
	if (packet->datagram)
		return TRACKING_DATAGRAM;
	return packet->opens ? TRACKING_OPENS : TRACKING_CONTINUES;
}

/* The backend of a packet whose slot moves; 0: none. */
static __always_inline __u32 flow_backend(const struct packet *packet, const struct ring_slot *slot)
{
	struct tracking_question question = {.packet = flow_packet(packet)};
	struct sluice_flow flow = packet_flow(packet);
	__u32 timeout_s = slot->timeout_s;
	struct tracking_answer answer;
	__u32 now_s = flow_now_s();

	question.established = flow_tracked(&flows, &flow, now_s, timeout_s);
	if (question.packet == TRACKING_CONTINUES && question.established.backend)
		return question.established.backend; /* the first case of tracking_continues() */
	question.half_open =
		flow_tracked(&half_open, &flow, now_s, tracking_half_open_timeout_s(timeout_s));
	question.backend = flow_choice(slot->backend);
	question.previous = flow_choice(slot->previous);
	question.fresh = tracking_silent(now_s, slot->since_s, timeout_s);
	answer = tracking_decide(&question);
	if (answer.note == TRACKING_HALF_OPEN) {
		/* If it cannot be tracked, its next packet is unknown and goes to `previous`. */
		if (!flow_put(&half_open, &flow, answer.backend, now_s, BPF_ANY))
			return slot->previous ?: answer.backend;
		if (question.established.backend)
			bpf_map_delete_elem(&flows, &flow);
	} else if (answer.note == TRACKING_ESTABLISHED) {
		if (!question.established.backend && !question.half_open.backend)
			return flow_put_unknown(&flow, answer.backend, now_s);
		if (flow_put(&flows, &flow, answer.backend, now_s, BPF_ANY))
			bpf_map_delete_elem(&half_open, &flow);
	}
	return answer.backend;
}

#endif
