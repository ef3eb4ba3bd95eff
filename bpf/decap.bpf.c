// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * decap, at XDP of a server's device: takes the outer IP header off a packet that a director
 * encapsulated (IPIP, IP6IP6 and both mixed), so that a server needs no tunnel device, only the
 * service's address on lo. Anybody can send a tunnel packet, so it opens only those whose inner
 * destination is a service of this instance; the rest is for the kernel's own tunnels.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "count.h"
#include "policy.h"
#include "steer/packet.h"

/*
 * The length of the outer header, and the ethertype and length of what is in it; 0: no tunnel
 * packet. What is inside is only believed in as far as this header reaches (decap_service).
 */
static __always_inline __u32 decap_outer(struct xdp_md *ctx, __be16 *inner_ethertype,
					 __u32 *inner_bytes)
{
	struct cursor cursor = {(void *)(long)ctx->data, (void *)(long)ctx->data_end};
	struct ethhdr *eth = cursor_take(&cursor, sizeof(*eth));
	__u8 inner_proto;
	__u32 bytes;

	if (!eth)
		return 0;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = cursor_take(&cursor, sizeof(*ip));

		/* Directors send no options, and a fragment of a tunnel packet is none of ours. */
		if (!ip || ip->version != 4 || ip->ihl != 5 ||
		    ip->frag_off & bpf_htons(IPV4_FRAGMENT) || bpf_ntohs(ip->tot_len) < sizeof(*ip))
			return 0;
		inner_proto = ip->protocol;
		bytes = sizeof(*ip);
		*inner_bytes = bpf_ntohs(ip->tot_len) - sizeof(*ip);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = cursor_take(&cursor, sizeof(*ip));

		if (!ip || ip->version != 6)
			return 0;
		inner_proto = ip->nexthdr;
		bytes = sizeof(*ip);
		*inner_bytes = bpf_ntohs(ip->payload_len);
	} else {
		return 0;
	}
	if (inner_proto == IPPROTO_IPIP)
		*inner_ethertype = bpf_htons(ETH_P_IP);
	else if (inner_proto == IPPROTO_IPV6)
		*inner_ethertype = bpf_htons(ETH_P_IPV6);
	else
		return 0;
	return bytes;
}

/* Is the packet behind `outer_bytes` whole, all that is in there, and for a service of ours? */
static __always_inline __u32 decap_service(struct xdp_md *ctx, __u32 outer_bytes,
					   __be16 inner_ethertype, __u32 inner_bytes,
					   struct packet *packet)
{
	struct cursor cursor = {(void *)(long)ctx->data, (void *)(long)ctx->data_end};
	struct sluice_endpoint endpoint = {};
	enum sluice_verdict verdict;

	if (!cursor_take(&cursor, sizeof(struct ethhdr) + outer_bytes))
		return 0;
	verdict = inner_ethertype == bpf_htons(ETH_P_IP) ? packet_parse_v4(packet, &cursor)
							 : packet_parse_v6(packet, &cursor);
	if (verdict != UNDECIDED || packet->ip_bytes != inner_bytes ||
	    packet_parse_l4(packet, &cursor) != UNDECIDED)
		return 0;
	endpoint.address = address_of(packet->destination_high, packet->destination_low);
	endpoint.port = packet->destination_port;
	endpoint.l4_proto = packet->l4_proto;
	return endpoint_service(&endpoint);
}

/* Takes `outer_bytes` from between the Ethernet header and the inner packet. */
static __always_inline bool decap_take_off(struct xdp_md *ctx, __u32 outer_bytes,
					   __be16 inner_ethertype)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct ethhdr kept;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return false;
	kept = *eth;
	kept.h_proto = inner_ethertype;
	if (bpf_xdp_adjust_head(ctx, outer_bytes))
		return false;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return false;
	*eth = kept;
	return true;
}

SEC("xdp")
int decap(struct xdp_md *ctx)
{
	__u64 frame_bytes = ctx->data_end - ctx->data;
	__be16 inner_ethertype = 0;
	__u32 inner_bytes = 0;
	struct packet packet;
	__u32 outer_bytes;
	__u32 service;

	outer_bytes = decap_outer(ctx, &inner_ethertype, &inner_bytes);
	if (!outer_bytes) {
		count_verdict(0, SLUICE_VERDICT_NOT_ENCAPSULATED, frame_bytes);
		return XDP_PASS;
	}
	service = decap_service(ctx, outer_bytes, inner_ethertype, inner_bytes, &packet);
	if (!service) {
		count_verdict(0, SLUICE_VERDICT_NOT_ENCAPSULATED, frame_bytes);
		return XDP_PASS;
	}
	if (!decap_take_off(ctx, outer_bytes, inner_ethertype)) {
		count_verdict(service, SLUICE_VERDICT_NO_ROOM, packet.ip_bytes);
		return XDP_DROP;
	}
	count_verdict(service, SLUICE_VERDICT_DECAPSULATED, packet.ip_bytes);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
