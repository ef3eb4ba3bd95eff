/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Policing of packets from clients to a service on this host, for senders that ignore the receive
 * window. If `steer` has policed them before, nothing more is dropped here: the burst is twice as
 * large. Arithmetic: pure/policing.h.
 */
#ifndef SLUICE_PACE_INGRESS_POLICE_H
#define SLUICE_PACE_INGRESS_POLICE_H

#include "maps/pace_policings.h"
#include "pace/class.h"
#include "pure/policing.h"
#include "sluice/service.h"

/* Bytes on the wire: each of the packets that GRO has merged had its own headers. */
static __always_inline __u32 ingress_police_bytes(struct __sk_buff *skb,
						  const struct pace_packet *packet)
{
	__u32 headers = packet->l4_offset;

	headers +=
		packet->flow.l4_proto == IPPROTO_TCP ? packet->tcp.doff * 4 : sizeof(struct udphdr);
	return skb->gso_segs > 1 ? skb->len + (skb->gso_segs - 1) * headers : skb->len;
}

static __always_inline bool ingress_police_pass(struct __sk_buff *skb,
						const struct pace_packet *packet,
						__u64 rate_bytes_per_sec)
{
	struct sluice_admission *policing;

	if (!rate_bytes_per_sec)
		return true;
	policing = bpf_map_lookup_elem(&pace_policings, &packet->service);
	return !policing ||
	       gcra_pass(&policing->due_ns, bpf_ktime_get_ns(),
			 gcra_cost_ns(ingress_police_bytes(skb, packet), rate_bytes_per_sec),
			 2 * policing_burst_ns(rate_bytes_per_sec));
}

#endif
