// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pace: the tc hook. Packets of a service to its clients get a departure time by the rates of its
 * policy. In packets of clients to the service, the advertised window is lowered to the policy's.
 * It acts on endpoints of services and of backends, so it serves a director and a server alike. All
 * other packets pass unchanged to the next program on the device.
 *
 * Three programs; a device gets pace_ingress and one for its egress. Where the root qdisc is `fq`,
 * which alone honours departure times, that is pace_egress_edt. Elsewhere it is pace_egress, which
 * drops packets beyond the rates unless their socket paces itself (`sockets`).
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "maps/verdicts.h"
#include "maps/policies.h"
#include "maps/service_configs.h"
#include "pace/impairment.h"
#include "pace/class.h"
#include "pace/edt.h"
#include "pace/paced_flow.h"
#include "pace/egress_police.h"
#include "pace/ingress_police.h"
#include "wire/skb_segment.h"
#include "pace/receive_window.h"
#include "wire/mss.h"

enum pace_hook {
	PACE_INGRESS,
	PACE_EGRESS,
	PACE_EGRESS_EDT,
};

/* The source MAC of punted packets, as in steer/transmit.h; set at load time. */
const volatile __u64 punt_mac = 0;

/* `steer` has already processed the packets that it punts. */
static __always_inline bool pace_is_punted(struct __sk_buff *skb)
{
	const struct ethhdr *eth = (void *)(long)skb->data;
	__u64 mac = 0;

	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return false;
	__builtin_memcpy(&mac, eth->h_source, ETH_ALEN);
	return punt_mac && mac == punt_mac;
}

static __always_inline bool pace_is_tcp(const struct pace_packet *packet)
{
	return packet->flow.l4_proto == IPPROTO_TCP;
}

static __always_inline void pace_segment(struct segment *segment, const struct pace_packet *packet)
{
	segment_read(segment, &packet->tcp, packet->l4_offset, packet->l4_bytes, packet->ipv6,
		     bpf_ktime_get_ns());
}

static __always_inline enum sluice_verdict pace_to_service(struct __sk_buff *skb,
							   const struct pace_packet *packet,
							   const struct sluice_policy *policy,
							   const enum pace_hook hook)
{
	enum sluice_verdict verdict = SLUICE_VERDICT_UNPACED;
	struct sluice_paced_flow *flow;
	enum rwnd_outcome outcome;
	struct segment segment;

	if (hook == PACE_INGRESS &&
	    !ingress_police_pass(skb, packet, policy->ingress_rate_bytes_per_sec))
		return SLUICE_VERDICT_INGRESS_RATE;
	/* In this direction an entry begins with a SYN only. */
	if (!pace_is_tcp(packet))
		return SLUICE_VERDICT_UNPACED;
	pace_segment(&segment, packet);
	flow = segment.syn && !segment.acks ? paced_find_or_begin(&packet->flow, packet->service)
					    : paced_find(&packet->flow);
	if (!flow)
		return SLUICE_VERDICT_UNPACED;
	outcome = rwnd_from_client(skb, &segment, policy, packet->service, flow,
				   hook == PACE_INGRESS);
	if (outcome == RWND_LOWERED)
		verdict = SLUICE_VERDICT_WINDOW_LOWERED;
	else if (outcome == RWND_KEPT)
		verdict = SLUICE_VERDICT_PACED;
	paced_end(&packet->flow, &segment, true, flow);
	return verdict;
}

/*
 * Is the packet relevant to the receive window? Without a window policy, only those that begin or
 * end a flow are, since a policy may be set while the flow lasts. The packets between cost nothing.
 */
static __always_inline bool pace_has_window(const struct pace_packet *packet,
					    const struct sluice_policy *policy)
{
	if (!pace_is_tcp(packet))
		return false;
	return policy_lowers_windows(policy) || packet->tcp.syn || packet->tcp.fin ||
	       packet->tcp.rst;
}

/* A packet to a client: dropped, delayed or marked? */
static __always_inline enum sluice_verdict pace_out(struct __sk_buff *skb,
						    const struct pace_packet *packet,
						    const struct sluice_policy *policy,
						    const enum pace_hook hook)
{
	enum sluice_verdict verdict = SLUICE_VERDICT_UNPACED;

	if (impairment_hits(policy->loss_ppm))
		return SLUICE_VERDICT_INJECTED_LOSS;
	if (policy->flow_rate_bytes_per_sec || policy->rate_bytes_per_sec)
		verdict = hook == PACE_EGRESS_EDT ? edt_give(skb, packet, policy)
						  : egress_police(skb, packet, policy);
	if (!verdict_drops(verdict) && impairment_hits(policy->mark_ppm) && bpf_skb_ecn_set_ce(skb))
		return SLUICE_VERDICT_INJECTED_MARK;
	return verdict;
}

static __always_inline enum sluice_verdict pace_to_client(struct __sk_buff *skb,
							  const struct pace_packet *packet,
							  const struct sluice_policy *policy,
							  const enum pace_hook hook)
{
	enum sluice_verdict verdict = SLUICE_VERDICT_UNPACED;
	struct sluice_paced_flow *flow;
	struct segment segment;
	__u64 leaves_ns;

	if (hook != PACE_INGRESS)
		verdict = pace_out(skb, packet, policy, hook);
	if (verdict_drops(verdict) || !pace_has_window(packet, policy))
		return verdict;
	flow = hook == PACE_INGRESS ? paced_find(&packet->flow)
				    : paced_find_or_begin(&packet->flow, packet->service);
	if (!flow)
		return verdict;
	if (hook != PACE_INGRESS) {
		__sync_fetch_and_add(&flow->packets, 1);
		__sync_fetch_and_add(&flow->bytes, skb->wire_len);
	}
	pace_segment(&segment, packet);
	leaves_ns = hook == PACE_EGRESS_EDT && verdict != SLUICE_VERDICT_UNPACED
			    ? departure_later(skb->tstamp, segment.now_ns)
			    : segment.now_ns;
	rwnd_from_server(skb, &segment, flow, leaves_ns, hook != PACE_INGRESS);
	paced_end(&packet->flow, &segment, false, flow);
	return verdict;
}

/*
 * Under direct server return a SYN-ACK passes no director. At ingress `auto` knows no path: the
 * device that the SYN came by is not one that its answer has to fit.
 */
static __always_inline void pace_lower_mss(struct __sk_buff *skb, const struct pace_packet *packet,
					   const enum pace_hook hook)
{
	const struct sluice_service_config *config = service_config_find(packet->service);
	struct segment segment;
	__u32 mtu = 0;

	if (!config || !config->options.mss)
		return;
	if (config->options.mss == SLUICE_MSS_AUTO &&
	    (hook == PACE_INGRESS || bpf_check_mtu(skb, 0, &mtu, 0, 0) < 0))
		return;
	mtu = mtu > mss_outer_bytes(config) ? mtu - mss_outer_bytes(config) : 0;
	pace_segment(&segment, packet);
	mss_lower(skb, &segment, mss_allowed(config, mtu, packet->ipv6));
}

static __always_inline int pace(struct __sk_buff *skb, const enum pace_hook hook)
{
	struct pace_packet packet = {};
	enum sluice_verdict verdict = SLUICE_VERDICT_UNPACED;
	struct sluice_policy *policy = NULL;

	if (hook == PACE_INGRESS && pace_is_punted(skb))
		return TC_ACT_UNSPEC;
	if (class_find(skb, &packet, hook != PACE_INGRESS)) {
		policy = policy_find(packet.service);
		if (pace_is_tcp(&packet) && packet.tcp.syn)
			pace_lower_mss(skb, &packet, hook);
	}
	if (policy)
		verdict = packet.to_service ? pace_to_service(skb, &packet, policy, hook)
					    : pace_to_client(skb, &packet, policy, hook);
	count_verdict(packet.service, verdict, skb->wire_len);
	/* Not TC_ACT_OK, which would end the chain before another filter or link. */
	return verdict_drops(verdict) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
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
