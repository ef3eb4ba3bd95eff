/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a service's flows have done together: map `congestion_services`. A flow adds what it did
 * since it was published last, at most once a round, so a packet costs nothing.
 */
#ifndef SLUICE_CONGESTION_SERVICE_TOTALS_H
#define SLUICE_CONGESTION_SERVICE_TOTALS_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/congestion_flows.h"
#include "sluice/congestion.h"
#include "sluice/limits.h"

/* What of a flow is in its service's sums. */
struct totals_counted {
	__u64 delivered_bytes;
	__u32 service;
	__u32 state; /* SLUICE_CONGESTION_CLOSED: it is in no sum yet */
	__u32 lost_packets;
	__u32 retransmitted_packets;
	__u32 marked_packets;
};

static __always_inline void totals_counted_of(const struct sluice_congestion_flow *flow,
					      struct totals_counted *share)
{
	share->delivered_bytes = flow->delivered_bytes;
	share->service = flow->service;
	share->state = flow->state;
	share->lost_packets = flow->lost_packets;
	share->retransmitted_packets = flow->retransmitted_packets;
	share->marked_packets = flow->marked_packets;
}

/*
 * Atomic, though each CPU has its own: a socket's backlog is worked off where an interrupt may come
 * in between and do the same. A socket that was disconnected begins to count anew, which is no
 * progress.
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

/* `flow` is as it is published now, `was` what was published of it before. */
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
