/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rates at egress where no fq honours departure times. A local TCP socket paces itself
 * (bpf/sockets.bpf.c). Other packets beyond the flow's rate are dropped, because there is no queue
 * to wait in, and so are packets beyond the service's rate. Arithmetic: pure/policing.h.
 */
#ifndef SLUICE_PACE_EGRESS_POLICE_H
#define SLUICE_PACE_EGRESS_POLICE_H

#include "pace/class.h"
#include "pace/departure_table.h"
#include "pace/service_share.h"
#include "pace/paced_socket.h"
#include "pure/policing.h"
#include "sluice/pace.h"
#include "sluice/policy.h"
#include "sluice/verdict.h"

static __always_inline bool egress_police_pass(struct __sk_buff *skb, __u64 *due_ns, __u64 now_ns,
					       __u64 rate_bytes_per_sec)
{
	return policing_pass(due_ns, now_ns, skb->wire_len, rate_bytes_per_sec);
}

static __always_inline bool egress_police_flow(struct __sk_buff *skb,
					       const struct pace_packet *packet, __u64 now_ns,
					       __u64 rate_bytes_per_sec)
{
	struct sluice_departure *flow;

	if (!rate_bytes_per_sec)
		return true;
	if (packet->flow.l4_proto == IPPROTO_TCP && paced_socket_sent(skb))
		return true;
	flow = departure_table_find(packet, now_ns);
	if (!flow)
		return true;
	if (!egress_police_pass(skb, &flow->departs_ns, now_ns, rate_bytes_per_sec))
		return false;
	flow->bytes += skb->wire_len;
	return true;
}

static __always_inline enum sluice_verdict egress_police(struct __sk_buff *skb,
							 const struct pace_packet *packet,
							 const struct sluice_policy *policy)
{
	struct sluice_share *share =
		service_share_find(packet->service, policy->rate_bytes_per_sec);
	__u64 now_ns = bpf_ktime_get_ns();

	if (!egress_police_flow(skb, packet, now_ns, policy->flow_rate_bytes_per_sec))
		return SLUICE_VERDICT_POLICED;
	if (share && !egress_police_pass(skb, &share->due_ns, now_ns, policy->rate_bytes_per_sec))
		return SLUICE_VERDICT_POLICED;
	return SLUICE_VERDICT_PACED;
}

#endif
