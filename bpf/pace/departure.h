/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Earliest departure times for a service's packets to its clients: the policy's rate of each flow,
 * as a time in the packet that the qdisc `fq` honours. Arithmetic: pure/departure.h.
 * Limit: a packet that is yet to be segmented leaves as one burst; its wire bytes are counted.
 */
#ifndef SLUICE_PACE_DEPARTURE_H
#define SLUICE_PACE_DEPARTURE_H

#include "pace/flow.h"
#include "pure/departure.h"
#include "sluice/verdict.h"

/* The time goes with its clock, or forwarding would take it for the time of reception. */
static __always_inline void departure_stamp(struct __sk_buff *skb, __u64 departs_ns)
{
	/* Refused where a VLAN tag lies in the data; the qdisc reads the bare time just as well. */
	if (bpf_skb_set_tstamp(skb, departs_ns, BPF_SKB_TSTAMP_DELIVERY_MONO))
		skb->tstamp = departs_ns;
}

static __always_inline enum sluice_verdict
departure_give(struct __sk_buff *skb, struct sluice_paced_flow *flow, __u64 rate_bytes_per_sec)
{
	__u64 now_ns = bpf_ktime_get_ns();
	__u64 asked_ns = departure_asked_ns(skb->tstamp, now_ns,
					    skb->tstamp_type == BPF_SKB_TSTAMP_DELIVERY_MONO);
	__u64 departs_ns = departure_take(&flow->departs_ns, now_ns, asked_ns,
					  departure_cost_ns(skb->wire_len, rate_bytes_per_sec));

	if (departs_ns == DEPARTURE_NEVER)
		return SLUICE_VERDICT_HORIZON;
	departure_stamp(skb, departs_ns);
	return SLUICE_VERDICT_PACED;
}

#endif
