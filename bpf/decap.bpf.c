// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * decap, at XDP of a server's device: removes the outer headers of a packet that a director
 * encapsulated (IP in IP of any family in any, and GUE). The server then needs no tunnel device,
 * only the service's address on lo. Any host can send a tunnel packet, so decap removes the headers
 * only if the inner destination is a service of this instance. All other tunnel packets pass to the
 * kernel's own tunnels.
 *
 *	outer headers -> inner packet (wire/packet.h) -> service -> removal -> pass
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps/policies.h"
#include "maps/verdicts.h"
#include "steer/service_prefix.h"
#include "wire/headers.h"
#include "wire/packet.h"
#include "wire/xdp_cursor.h"

/* The outer headers of a tunnel packet, and what they say of the inner one. */
struct tunnel {
	__u32 outer_bytes; /* IP, and UDP and GUE of mode gue */
	__u32 inner_bytes; /* as the outer header states */
	__be16 inner_ethertype;
	__u8 inner_proto; /* IPPROTO_IPIP or IPPROTO_IPV6 */
};

/* UDP and GUE of both variants (draft-ietf-intarea-gue-09, 3 and 4). False: not from a director. */
static __always_inline bool decap_gue(struct cursor *cursor, struct tunnel *tunnel)
{
	struct udphdr *udp = cursor_take(cursor, sizeof(*udp));
	__u8 *gue;

	if (!udp || udp->dest != bpf_htons(SLUICE_GUE_PORT))
		return false;
	gue = cursor_take(cursor, GUE_BYTES);
	if (!gue)
		return false;
	tunnel->outer_bytes += sizeof(*udp);
	/* Variant 1 has no header: the first four bits are the version of the inner IP, 4 or 6. */
	if (gue[0] >> 4 == 4 || gue[0] >> 4 == 6) {
		tunnel->inner_proto = gue[0] >> 4 == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
		return true;
	}
	/* Variant 0: no control message, no options. */
	if (gue[0] || gue[2] || gue[3])
		return false;
	tunnel->inner_proto = gue[GUE_PROTO_OFFSET];
	tunnel->outer_bytes += GUE_BYTES;
	return true;
}

/* False: not a tunnel packet. */
static __always_inline bool decap_outer(struct xdp_md *ctx, struct tunnel *tunnel)
{
	struct cursor cursor = cursor_begin(ctx);
	struct ethhdr *eth = cursor_take(&cursor, sizeof(*eth));
	__u32 packet_bytes;

	if (!eth)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = cursor_take(&cursor, sizeof(*ip));

		/* Directors send no options and no fragments. */
		if (!ip || !ipv4_is_plain(ip))
			return false;
		tunnel->inner_proto = ip->protocol;
		tunnel->outer_bytes = sizeof(*ip);
		packet_bytes = bpf_ntohs(ip->tot_len);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = cursor_take(&cursor, sizeof(*ip));

		if (!ip || ip->version != 6)
			return false;
		tunnel->inner_proto = ip->nexthdr;
		tunnel->outer_bytes = sizeof(*ip);
		packet_bytes = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	} else {
		return false;
	}
	if (tunnel->inner_proto == IPPROTO_UDP && !decap_gue(&cursor, tunnel))
		return false;
	if (tunnel->inner_proto != IPPROTO_IPIP && tunnel->inner_proto != IPPROTO_IPV6)
		return false;
	tunnel->inner_ethertype =
		tunnel->inner_proto == IPPROTO_IPIP ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	tunnel->inner_bytes = packet_bytes - tunnel->outer_bytes;
	return packet_bytes >= tunnel->outer_bytes;
}

/* The service of the inner destination with this port and protocol; 0: none. */
static __always_inline __u32 decap_endpoint(const struct packet *packet, __be16 port, __u8 l4_proto)
{
	struct sluice_endpoint endpoint = {
		.address = address_of(packet->destination_high, packet->destination_low),
		.port = port,
		.l4_proto = l4_proto,
	};
	struct service service;
	__u32 number = endpoint_service(&endpoint);

	if (number)
		return number;
	return prefix_find(packet, port, l4_proto, &service) ? service.number : 0;
}

/* The service of the inner packet; 0: none, or the outer headers do not end where it ends. */
static __always_inline __u32 decap_service(struct xdp_md *ctx, const struct tunnel *tunnel,
					   struct packet *packet)
{
	struct cursor cursor = cursor_begin(ctx);
	__u8 icmp = tunnel->inner_proto == IPPROTO_IPIP ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	__u32 service = 0;

	if (!cursor_skip(&cursor, sizeof(struct ethhdr) + tunnel->outer_bytes))
		return 0;
	packet->l3_offset = sizeof(struct ethhdr) + tunnel->outer_bytes;
	if (packet_parse_l3(packet, &cursor, tunnel->inner_ethertype) != UNDECIDED ||
	    packet->ip_bytes != tunnel->inner_bytes)
		return 0;
	if (packet->kind != PACKET_LATER_FRAGMENT && packet->kind != PACKET_ECHO) {
		service = decap_endpoint(packet, packet->destination_port, packet->l4_proto);
		if (!service)
			service = decap_endpoint(packet, 0, packet->l4_proto);
	}
	/* A later fragment has no port: the address of a service is enough. */
	return service || packet->kind != PACKET_LATER_FRAGMENT ? service
								: decap_endpoint(packet, 0, icmp);
}

/* Removes `outer_bytes` between the Ethernet header and the inner packet. */
static __always_inline bool decap_remove(struct xdp_md *ctx, __u32 outer_bytes,
					 __be16 inner_ethertype)
{
	struct ethhdr *eth = frame_begin(ctx);
	struct ethhdr kept;

	if ((void *)(eth + 1) > frame_end(ctx))
		return false;
	kept = *eth;
	kept.h_proto = inner_ethertype;
	if (bpf_xdp_adjust_head(ctx, outer_bytes))
		return false;
	eth = frame_begin(ctx);
	if ((void *)(eth + 1) > frame_end(ctx))
		return false;
	*eth = kept;
	return true;
}

SEC("xdp.frags")
int decap(struct xdp_md *ctx)
{
	__u64 frame_bytes = bpf_xdp_get_buff_len(ctx);
	struct tunnel tunnel = {};
	struct packet packet;
	__u32 service;

	service = decap_outer(ctx, &tunnel) ? decap_service(ctx, &tunnel, &packet) : 0;
	if (!service) {
		count_verdict(0, SLUICE_VERDICT_NOT_ENCAPSULATED, frame_bytes);
		return XDP_PASS;
	}
	if (!decap_remove(ctx, tunnel.outer_bytes, tunnel.inner_ethertype)) {
		count_verdict(service, SLUICE_VERDICT_NO_ROOM, packet.ip_bytes);
		return XDP_DROP;
	}
	count_verdict(service, SLUICE_VERDICT_DECAPSULATED, packet.ip_bytes);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
