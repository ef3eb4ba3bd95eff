// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pace: the tc hook. What a service sends to its clients gets a departure time by the policy's rate
 * of each flow; in what clients send to it, the advertised window is lowered to the policy's. It
 * acts on endpoints of services and of backends, so it serves a director and a server alike, and
 * passes everything else untouched, to whatever other program sits on the device.
 *
 * Three programs, of which a device gets two: pace_ingress, and at its egress pace_egress_edt where
 * the root qdisc is `fq`, which alone honours departure times, or else pace_egress.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "count.h"
#include "policy.h"
#include "pace/class.h"
#include "pace/departure.h"
#include "pace/flow.h"
#include "pace/window.h"

enum pace_hook {
	PACE_INGRESS,
	PACE_EGRESS,
	PACE_EGRESS_EDT,
};

static __always_inline enum sluice_verdict pace_to_service(struct __sk_buff *skb,
							   const struct pace_packet *packet,
							   const struct sluice_policy *policy)
{
	struct sluice_paced_flow *flow;
	enum sluice_verdict verdict;

	/* Only a SYN teaches anything: without one there is no entry to be made. */
	if (packet->flow.l4_proto != IPPROTO_TCP)
		return SLUICE_VERDICT_UNPACED;
	flow = packet->tcp.syn && !packet->tcp.ack ? flow_find_or_begin(packet) : flow_find(packet);
	if (!flow)
		return SLUICE_VERDICT_UNPACED;
	verdict = window_apply(skb, packet, flow, policy->window_bytes);
	flow_end(packet, flow);
	return verdict;
}

static __always_inline enum sluice_verdict pace_to_client(struct __sk_buff *skb,
							  const struct pace_packet *packet,
							  const struct sluice_policy *policy,
							  const enum pace_hook hook)
{
	struct sluice_paced_flow *flow;
	enum sluice_verdict verdict = SLUICE_VERDICT_UNPACED;

	flow = hook == PACE_INGRESS ? flow_find(packet) : flow_find_or_begin(packet);
	if (!flow)
		return SLUICE_VERDICT_UNPACED;
	window_learn_server(skb, packet, flow);
	if (hook == PACE_EGRESS_EDT && policy->flow_rate_bytes_per_sec)
		verdict = departure_give(skb, flow, policy->flow_rate_bytes_per_sec);
	if (hook != PACE_INGRESS && verdict != SLUICE_VERDICT_HORIZON) {
		__sync_fetch_and_add(&flow->packets, 1);
		__sync_fetch_and_add(&flow->bytes, skb->wire_len);
	}
	flow_end(packet, flow);
	return verdict;
}

static __always_inline int pace(struct __sk_buff *skb, const enum pace_hook hook)
{
	struct pace_packet packet = {};
	enum sluice_verdict verdict = SLUICE_VERDICT_UNPACED;
	struct sluice_policy *policy = NULL;

	if (class_find(skb, &packet))
		policy = policy_find(packet.service);
	if (policy)
		verdict = packet.to_service ? pace_to_service(skb, &packet, policy)
					    : pace_to_client(skb, &packet, policy, hook);
	count_verdict(packet.service, verdict, skb->wire_len);
	/* Not TC_ACT_OK, which would end the chain: another filter or link may follow. */
	return verdict == SLUICE_VERDICT_HORIZON ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tc")
int pace_ingress(struct __sk_buff *skb)
{
	return pace(skb, PACE_INGRESS);
}

SEC("tc")
int pace_egress(struct __sk_buff *skb)
{
	return pace(skb, PACE_EGRESS);
}

SEC("tc")
int pace_egress_edt(struct __sk_buff *skb)
{
	return pace(skb, PACE_EGRESS_EDT);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
