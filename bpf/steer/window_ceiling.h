/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The receive-window ceiling in XDP (pace/receive_window.h): lowers the window in packets of
 * clients, which under direct server return are the only ones that pass here, and learns from
 * replies that steer itself transmits. `pace` learns from replies that leave through tc.
 */
#ifndef SLUICE_STEER_WINDOW_CEILING_H
#define SLUICE_STEER_WINDOW_CEILING_H

#include "maps/policies.h"
#include "pace/receive_window.h"
#include "steer/nat.h"
#include "wire/packet.h"
#include "wire/segment.h"
#include "wire/xdp_segment.h"

/* In a per-CPU map, because the stack has only 512 bytes. */
struct window_ceiling_work {
	struct segment segment;
	struct sluice_flow key;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct window_ceiling_work);
	__uint(max_entries, 1);
} ceiling_works SEC(".maps");

static __always_inline void window_ceiling_from_client(struct xdp_md *ctx,
						       const struct packet *packet, __u32 service)
{
	const struct sluice_policy *policy = policy_find(service);
	struct frame frame = {.ctx = ctx, .packet = packet};
	struct sluice_paced_flow *flow;
	struct window_ceiling_work *work;
	struct segment *segment;
	__u32 zero = 0;

	work = bpf_map_lookup_elem(&ceiling_works, &zero);
	if (!policy || !work || !packet_segment(ctx, packet, &work->segment))
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

/* `translated_tuple`: of the reply as it leaves. */
static __always_inline void window_ceiling_from_server(struct xdp_md *ctx,
						       const struct packet *packet,
						       const struct sluice_flow *translated_tuple)
{
	struct frame frame = {.ctx = ctx, .packet = packet};
	struct sluice_paced_flow *flow;
	struct window_ceiling_work *work;
	__u32 zero = 0;

	work = bpf_map_lookup_elem(&ceiling_works, &zero);
	if (!work || !packet_segment(ctx, packet, &work->segment))
		return;
	work->key = flow_reverse(translated_tuple);
	flow = paced_find(&work->key);
	if (!flow)
		return;
	__sync_fetch_and_add(&flow->packets, 1);
	__sync_fetch_and_add(&flow->bytes, packet->ip_bytes + sizeof(struct ethhdr));
	rwnd_from_server(&frame, &work->segment, flow, work->segment.now_ns, true);
	paced_end(&work->key, &work->segment, false, flow);
}

#endif
