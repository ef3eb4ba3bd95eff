/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Earliest departure times (EDT) of a service's packets to its clients, by the policy's rate per
 * flow and by the flow's share of the service's rate. The qdisc `fq` honours the time in the
 * packet. Arithmetic: pure/departure_time.h, pure/fair_share.h. Limit: a packet that is segmented
 * later leaves as one burst; its bytes on the wire are counted.
 */
#ifndef SLUICE_PACE_EDT_H
#define SLUICE_PACE_EDT_H

#include "pace/departure_table.h"
#include "pace/service_share.h"
#include "pure/departure_time.h"
#include "sluice/pace.h"
#include "sluice/verdict.h"

/* Sets the time with its clock; otherwise forwarding takes it for a time of reception. */
static __always_inline void edt_stamp(struct __sk_buff *skb, __u64 departs_ns)
{
	if (skb->tstamp_type == BPF_SKB_TSTAMP_DELIVERY_MONO) {
		skb->tstamp = departs_ns;
		return;
	}
	/* The helper refuses a VLAN tag in the data. The qdisc accepts the bare time as well. */
	if (bpf_skb_set_tstamp(skb, departs_ns, BPF_SKB_TSTAMP_DELIVERY_MONO))
		skb->tstamp = departs_ns;
}

/* A request for a departure time, and the reply. */
struct edt_request {
	__u64 now_ns;
	__u64 requested_ns; /* by its sender; 0: none */
	__u64 rate;	    /* of its flow, bytes a second; 0: no limit */
	__u64 gap_ns;	    /* reply: from this departure to the flow's next */
	__u64 turn_ns;	    /* reply: the departure, or DEPARTURE_NEVER */
	__u32 bytes;
	__u32 reserved;
};

static __always_inline void edt_alone(struct sluice_departure *flow, struct edt_request *request)
{
	request->gap_ns = gcra_cost_ns(request->bytes, request->rate);
	request->turn_ns = departure_take(&flow->departs_ns, request->now_ns, request->requested_ns,
					  request->gap_ns);
}

/*
 * The departure of a flow that shares a rate. Without a departure the flow advances no turn. A
 * global function, which the verifier checks once: inlined, its searches multiply the verifier's
 * states.
 */
__noinline int edt_shared(struct sluice_share *share, struct sluice_departure *flow,
			  struct edt_request *request, const struct pace_packet *packet,
			  const struct sluice_policy *policy)
{
	__u64 part, delay_ns, booked_ns;

	if (!share || !flow || !request || !packet || !policy)
		return 0;
	share_watch(share, request->now_ns);
	part = share->unit_rate_bytes_per_sec *
	       service_share_weight(flow, packet, policy, request->now_ns);
	if (!request->rate || part < request->rate)
		request->rate = part;
	share_measure(share, flow, request->now_ns, request->bytes,
		      gcra_cost_ns(request->bytes, request->rate));
	edt_alone(flow, request);
	/* A sender that requests times past the horizon gets them, outside of the share. */
	if (request->turn_ns > request->now_ns + DEPARTURE_HORIZON_NS)
		return 0;
	booked_ns = share_book(share, request->now_ns, request->turn_ns, request->bytes);
	if (booked_ns == DEPARTURE_NEVER) {
		__sync_fetch_and_add(&flow->departs_ns, -request->gap_ns);
	} else {
		delay_ns = share_delay_ns(request->turn_ns, booked_ns, request->gap_ns);
		if (delay_ns)
			__sync_fetch_and_add(&flow->departs_ns, delay_ns);
	}
	request->turn_ns = booked_ns;
	return 0;
}

static __always_inline enum sluice_verdict edt_give(struct __sk_buff *skb,
						    const struct pace_packet *packet,
						    const struct sluice_policy *policy)
{
	struct edt_request request = {
		.now_ns = bpf_ktime_get_ns(),
		.rate = policy->flow_rate_bytes_per_sec,
		.bytes = skb->wire_len,
	};
	struct sluice_departure *flow = departure_table_find(packet, request.now_ns);
	struct sluice_share *share;

	if (!flow)
		return SLUICE_VERDICT_UNPACED;
	request.requested_ns = departure_requested_ns(
		skb->tstamp, request.now_ns, skb->tstamp_type == BPF_SKB_TSTAMP_DELIVERY_MONO);
	share = service_share_find(packet->service, policy->rate_bytes_per_sec);
	if (share)
		edt_shared(share, flow, &request, packet, policy);
	else
		edt_alone(flow, &request);
	if (request.turn_ns == DEPARTURE_NEVER)
		return SLUICE_VERDICT_HORIZON;
	flow->bytes += request.bytes;
	edt_stamp(skb, request.turn_ns);
	if (departure_is_late(request.turn_ns, request.now_ns, request.gap_ns) &&
	    bpf_skb_ecn_set_ce(skb))
		return SLUICE_VERDICT_MARKED;
	return SLUICE_VERDICT_PACED;
}

#endif
