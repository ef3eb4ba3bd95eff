/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Totals of a service's flows: map `congestion_services`. A flow adds its changes when it is
 * published, at most once a round, so a packet costs nothing.
 */
#ifndef SLUICE_CONGESTION_SERVICE_TOTALS_H
#define SLUICE_CONGESTION_SERVICE_TOTALS_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/congestion_flows.h"
#include "sluice/congestion.h"
#include "sluice/limits.h"

/* The part of a flow that its service's totals include already. */
struct totals_counted {
	__u64 delivered_bytes;
	__u32 service;
	__u32 state; /* SLUICE_CONGESTION_CLOSED: not in any total yet */
	__u32 lost_packets;
	__u32 retransmitted_packets;
	__u32 marked_packets;
};

static __always_inline void totals_counted_of(const struct sluice_congestion_flow *flow,
					      struct totals_counted *counted)
{
	counted->delivered_bytes = flow->delivered_bytes;
	counted->service = flow->service;
	counted->state = flow->state;
	counted->lost_packets = flow->lost_packets;
	counted->retransmitted_packets = flow->retransmitted_packets;
	counted->marked_packets = flow->marked_packets;
}

/*
 * Atomic, although the map is per CPU: an interrupt may do the same while the kernel works off a
 * socket's backlog. The counters of a disconnected socket restart from zero, which adds nothing.
 */
static __always_inline void totals_add(__u64 *sum, __u64 was, __u64 now)
{
	if (now > was)
		__sync_fetch_and_add(sum, now - was);
}

static __always_inline void totals_move(__u32 service, __u32 state, __s64 by)
{
	struct sluice_congestion_service *sums =
		bpf_map_lookup_elem(&congestion_services, &service);

	if (sums && state < SLUICE_CONGESTION_STATE_COUNT)
		__sync_fetch_and_add(&sums->flows[state], by);
}

static __always_inline void totals_leave(const struct sluice_congestion_flow *flow)
{
	totals_move(flow->service, flow->state, -1);
}

/* `flow`: as published now; `was`: as published before. */
static __always_inline void totals_account(const struct totals_counted *was,
					   const struct sluice_congestion_flow *flow)
{
	bool fresh = was->state == SLUICE_CONGESTION_CLOSED;
	__u32 service = flow->service;
	struct sluice_congestion_service *sums;

	if (was->state != flow->state || was->service != service) {
		totals_move(was->service, was->state, -1);
		totals_move(service, flow->state, 1);
	}
	sums = bpf_map_lookup_elem(&congestion_services, &service);
	if (!sums)
		return;
	totals_add(&sums->delivered_bytes, was->delivered_bytes, flow->delivered_bytes);
	totals_add(&sums->lost_packets, was->lost_packets, flow->lost_packets);
	totals_add(&sums->retransmitted_packets, was->retransmitted_packets,
		   flow->retransmitted_packets);
	totals_add(&sums->marked_packets, was->marked_packets, flow->marked_packets);
	if (fresh)
		__sync_fetch_and_add(&sums->opened, 1);
	if (flow->state == SLUICE_CONGESTION_TIMEOUT && was->state != flow->state)
		__sync_fetch_and_add(&sums->timeouts, 1);
}

#endif
