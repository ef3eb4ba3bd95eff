/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Earliest departure times for a service's packets to its clients: the policy's rate of each flow
 * and its part of the rate of all, as a time in the packet that the qdisc `fq` honours. Arithmetic:
 * pure/departure.h, pure/share.h. Neighbours: place, where a flow's time is kept, and share.
 * Limit: a packet that is yet to be segmented leaves as one burst; its wire bytes are counted.
 */
#ifndef SLUICE_PACE_EDT_H
#define SLUICE_PACE_EDT_H

#include "pace/departure_table.h"
#include "pace/service_share.h"
#include "pure/departure_time.h"
#include "sluice/pace.h"
#include "sluice/verdict.h"

/* The time goes with its clock, or forwarding would take it for the time of reception. */
static __always_inline void edt_stamp(struct __sk_buff *skb, __u64 departs_ns)
{
	if (skb->tstamp_type == BPF_SKB_TSTAMP_DELIVERY_MONO) {
		skb->tstamp = departs_ns;
		return;
	}
	/* Refused where a VLAN tag lies in the data; the qdisc reads the bare time just as well. */
	if (bpf_skb_set_tstamp(skb, departs_ns, BPF_SKB_TSTAMP_DELIVERY_MONO))
		skb->tstamp = departs_ns;
}

/* What is asked for a packet. */
struct edt_request {
	__u64 now_ns;
	__u64 asked_ns; /* by its sender; 0: nothing */
	__u64 rate;	/* of its flow alone, bytes a second; 0: no limit */
	__u64 gap_ns;	/* answered: from this departure to the flow's next */
	__u64 turn_ns;	/* answered: when it leaves, or DEPARTURE_NEVER */
	__u32 bytes;
	__u32 reserved;
};

static __always_inline void edt_alone(struct sluice_departure *flow, struct edt_request *ask)
{
	ask->gap_ns = gcra_cost_ns(ask->bytes, ask->rate);
	ask->turn_ns = departure_take(&flow->departs_ns, ask->now_ns, ask->asked_ns, ask->gap_ns);
}

/*
 * The same among those that share a rate. Where there is no turn its flow takes none either.
 * A function that the verifier looks at once, for its searches multiply whatever comes before.
 */
__noinline int edt_shared(struct sluice_share *share, struct sluice_departure *flow,
			  struct edt_request *ask, const struct pace_packet *packet,
			  const struct sluice_policy *policy)
{
	__u64 part, delay_ns, booked_ns;

	if (!share || !flow || !ask || !packet || !policy)
		return 0;
	share_watch(share, ask->now_ns);
	part = share->unit_rate_bytes_per_sec *
	       service_share_weight(flow, packet, policy, ask->now_ns);
	if (!ask->rate || part < ask->rate)
		ask->rate = part;
	share_measure(share, flow, ask->now_ns, ask->bytes, gcra_cost_ns(ask->bytes, ask->rate));
	edt_alone(flow, ask);
	/* Who asks for times that lie past the horizon has them, beside all others. */
	if (ask->turn_ns > ask->now_ns + DEPARTURE_HORIZON_NS)
		return 0;
	booked_ns = share_book(share, ask->now_ns, ask->turn_ns, ask->bytes);
	if (booked_ns == DEPARTURE_NEVER) {
		__sync_fetch_and_add(&flow->departs_ns, -ask->gap_ns);
	} else {
		delay_ns = share_delay_ns(ask->turn_ns, booked_ns, ask->gap_ns);
		if (delay_ns)
			__sync_fetch_and_add(&flow->departs_ns, delay_ns);
	}
	ask->turn_ns = booked_ns;
	return 0;
}

static __always_inline enum sluice_verdict edt_give(struct __sk_buff *skb,
						    const struct pace_packet *packet,
						    const struct sluice_policy *policy)
{
	struct edt_request ask = {
		.now_ns = bpf_ktime_get_ns(),
		.rate = policy->flow_rate_bytes_per_sec,
		.bytes = skb->wire_len,
	};
	struct sluice_departure *flow = departure_table_find(packet, ask.now_ns);
	struct sluice_share *share;

	if (!flow)
		return SLUICE_VERDICT_UNPACED;
	ask.asked_ns = departure_asked_ns(skb->tstamp, ask.now_ns,
					  skb->tstamp_type == BPF_SKB_TSTAMP_DELIVERY_MONO);
	share = service_share_find(packet->service, policy->rate_bytes_per_sec);
	if (share)
		edt_shared(share, flow, &ask, packet, policy);
	else
		edt_alone(flow, &ask);
	if (ask.turn_ns == DEPARTURE_NEVER)
		return SLUICE_VERDICT_HORIZON;
	flow->bytes += ask.bytes;
	edt_stamp(skb, ask.turn_ns);
	if (departure_is_late(ask.turn_ns, ask.now_ns, ask.gap_ns) && bpf_skb_ecn_set_ce(skb))
		return SLUICE_VERDICT_MARKED;
	return SLUICE_VERDICT_PACED;
}

#endif
