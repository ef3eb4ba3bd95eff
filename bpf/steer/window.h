/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The receive-window ceiling on the way through a director (pace/window.h): in what clients send,
 * which under direct server return is all that is seen; and what replies teach, where they come
 * back through here. What leaves through tc is `pace`'s to learn from there.
 */
#ifndef SLUICE_STEER_WINDOW_H
#define SLUICE_STEER_WINDOW_H

#include "pace/receive_window.h"
#include "maps/policies.h"
#include "steer/nat.h"
#include "steer/frame.h"
#include "steer/packet.h"

/* One at a time on each CPU. On the stack it would leave too little of its 512 bytes. */
struct window_work {
	struct segment segment;
	struct sluice_flow key;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct window_work);
	__uint(max_entries, 1);
} window_works SEC(".maps");

/* Only of whole packets: the first of two fragments has no checksum of its own. */
static __always_inline bool window_segment(struct xdp_md *ctx, const struct packet *packet,
					   struct segment *segment)
{
	struct tcphdr *tcp = packet_at(frame_begin(ctx), packet->l4_offset);
	__u32 l4_bytes = packet->l3_offset + packet->ip_bytes - packet->l4_offset;

	if (packet->kind != PACKET_WHOLE || packet->l4_proto != IPPROTO_TCP ||
	    (void *)(tcp + 1) > frame_end(ctx))
		return false;
	if (tcp->doff * 4 < sizeof(*tcp) || tcp->doff * 4 > l4_bytes)
		return false;
	segment_read(segment, tcp, packet->l4_offset, l4_bytes, packet->v6, bpf_ktime_get_ns());
	return true;
}

static __always_inline void window_to_service(struct xdp_md *ctx, const struct packet *packet,
					      __u32 service)
{
	const struct sluice_policy *policy = policy_find(service);
	struct frame frame = {.ctx = ctx, .packet = packet};
	struct sluice_paced_flow *flow;
	struct window_work *work;
	struct segment *segment;
	__u32 zero = 0;

	work = bpf_map_lookup_elem(&window_works, &zero);
	if (!policy || !work || !window_segment(ctx, packet, &work->segment))
		return;
	segment = &work->segment;
	work->key = packet_flow(packet);
	flow = segment->syn && !segment->acks ? paced_find_or_begin(&work->key, service)
					      : paced_find(&work->key);
	if (!flow)
		return;
	rwnd_from_client(&frame, segment, policy, service, flow, true);
	paced_end(&work->key, segment, true, flow);
}

/* A reply that leaves as this. */
static __always_inline void window_to_client(struct xdp_md *ctx, const struct packet *packet,
					     const struct sluice_flow *translated_tuple)
{
	struct frame frame = {.ctx = ctx, .packet = packet};
	struct sluice_paced_flow *flow;
	struct window_work *work;
	__u32 zero = 0;

	work = bpf_map_lookup_elem(&window_works, &zero);
	if (!work || !window_segment(ctx, packet, &work->segment))
		return;
	work->key = nat_reverse(translated_tuple);
	flow = paced_find(&work->key);
	if (!flow)
		return;
	__sync_fetch_and_add(&flow->packets, 1);
	__sync_fetch_and_add(&flow->bytes, packet->ip_bytes + sizeof(struct ethhdr));
	rwnd_from_server(&frame, &work->segment, flow, work->segment.now_ns, true);
	paced_end(&work->key, &work->segment, false, flow);
}

#endif
