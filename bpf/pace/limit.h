/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rates of a service's flows where no fq honours departure times: a local TCP socket paces
 * itself (bpf/sockets.bpf.c), and whatever else goes beyond the rate is dropped, for there is
 * nowhere to wait. So is what goes beyond the rate of all. Arithmetic: pure/police.h.
 */
#ifndef SLUICE_PACE_LIMIT_H
#define SLUICE_PACE_LIMIT_H

#include "pace/class.h"
#include "pace/departure_table.h"
#include "pace/share.h"
#include "pace/socket.h"
#include "pure/police.h"
#include "sluice/pace.h"
#include "sluice/policy.h"
#include "sluice/verdict.h"

static __always_inline bool limit_pass(struct __sk_buff *skb, __u64 *due_ns, __u64 now_ns,
				       __u64 rate_bytes_per_sec)
{
	return police_pass(due_ns, now_ns, departure_cost_ns(skb->wire_len, rate_bytes_per_sec),
			   police_burst_ns(rate_bytes_per_sec));
}

static __always_inline bool limit_pass_flow(struct __sk_buff *skb, const struct pace_packet *packet,
					    __u64 now_ns, __u64 rate_bytes_per_sec)
{
	struct sluice_departure *flow;

	if (!rate_bytes_per_sec)
		return true;
	if (packet->flow.l4_proto == IPPROTO_TCP && socket_paces_itself(skb))
		return true;
	flow = departure_slot_of(packet, now_ns);
	if (!flow)
		return true;
	if (!limit_pass(skb, &flow->departs_ns, now_ns, rate_bytes_per_sec))
		return false;
	flow->bytes += skb->wire_len;
	return true;
}

static __always_inline enum sluice_verdict limit_give(struct __sk_buff *skb,
						      const struct pace_packet *packet,
						      const struct sluice_policy *policy)
{
	struct sluice_share *share = share_find(packet->service, policy->rate_bytes_per_sec);
	__u64 now_ns = bpf_ktime_get_ns();

	if (!limit_pass_flow(skb, packet, now_ns, policy->flow_rate_bytes_per_sec))
		return SLUICE_VERDICT_POLICED;
	if (share && !limit_pass(skb, &share->due_ns, now_ns, policy->rate_bytes_per_sec))
		return SLUICE_VERDICT_POLICED;
	return SLUICE_VERDICT_PACED;
}

#endif
