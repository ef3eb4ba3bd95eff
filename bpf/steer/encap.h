/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Headers of layers 2 and 3 on the way out: TTL, the outer headers, Ethernet.
 */
#ifndef SLUICE_STEER_ENCAP_H
#define SLUICE_STEER_ENCAP_H

#include "pure/checksum.h"
#include "steer/gue.h"
#include "steer/nexthop.h"
#include "steer/packet.h"

#define ENCAP_PORT_ENTROPY 18	 /* bits of the hash that a dynamic port has no room for */
#define ENCAP_PORT_FIRST 0xc000u /* RFC 6335: 49152 to 65535 */

static __always_inline bool encap_has_ttl(struct xdp_md *ctx, __u32 l3_offset, bool v6)
{
	void *l3 = packet_at(frame_begin(ctx), l3_offset);

	if (l3 + sizeof(struct iphdr) > frame_end(ctx))
		return false;
	return (v6 ? ((struct ipv6hdr *)l3)->hop_limit : ((struct iphdr *)l3)->ttl) > 1;
}

/* We forward, so we take one off the TTL (RFC 1812, 5.3.1; RFC 2003, 3.1), which is more than 1. */
static __always_inline bool encap_spend_ttl(struct xdp_md *ctx, __u32 l3_offset, bool v6)
{
	void *begin = frame_begin(ctx);
	void *l3 = l3_offset == sizeof(struct ethhdr) ? begin + sizeof(struct ethhdr)
						      : packet_at(begin, l3_offset);
	void *end = frame_end(ctx);

	if (v6) {
		struct ipv6hdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return false;
		ip->hop_limit--;
	} else {
		struct iphdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return false;
		ip->check = checksum_one_less(ip->check);
		ip->ttl--;
	}
	return true;
}

/* UDP, and in variant 0 GUE, in front of the inner packet (draft-ietf-intarea-gue-09, 3 and 4). */
static __always_inline bool encap_push_udp(struct udphdr *udp, void *end,
					   const struct sluice_outer *outer, __u32 offset, bool v6,
					   __u32 ip_bytes, __u32 hash)
{
	const void *from = outer->headers + offset;

	if ((void *)(udp + 1) + GUE_BYTES > end)
		return false;
	*(__u64 *)udp = load64(from);
	udp->source = bpf_htons(ENCAP_PORT_FIRST | hash >> ENCAP_PORT_ENTROPY);
	udp->len = bpf_htons(ip_bytes + outer->length - offset);
	if (outer->length > offset + sizeof(*udp)) {
		*(__u32 *)(udp + 1) = *(__u32 *)(from + sizeof(*udp));
		((__u8 *)(udp + 1))[GUE_PROTO_OFFSET] = v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	}
	return true;
}

static __always_inline bool encap_fill_v4(struct iphdr *ip, void *end,
					  const struct sluice_outer *outer, bool v6, __u32 ip_bytes,
					  __u32 hash)
{
	__u32 sum;

	((__u64 *)ip)[0] = load64(outer->headers);
	((__u64 *)ip)[1] = load64(outer->headers + 8);
	((__u32 *)ip)[4] = *(__u32 *)(outer->headers + 16);
	ip->tot_len = bpf_htons(ip_bytes + outer->length);
	/* The prebuilt header holds the sum of all its other words. */
	sum = (__u32)ip->check + ip->tot_len;
	if (outer->length == sizeof(*ip)) {
		ip->protocol = v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
		ip->check = (__u16)~checksum_fold(sum + bpf_htons(ip->protocol));
		return true;
	}
	ip->check = (__u16)~checksum_fold(sum);
	return encap_push_udp((void *)(ip + 1), end, outer, sizeof(*ip), v6, ip_bytes, hash);
}

static __always_inline bool encap_fill_v6(struct ipv6hdr *ip, void *end,
					  const struct sluice_outer *outer, bool v6, __u32 ip_bytes,
					  __u32 hash)
{
	((__u64 *)ip)[0] = load64(outer->headers);
	((__u64 *)ip)[1] = load64(outer->headers + 8);
	((__u64 *)ip)[2] = load64(outer->headers + 16);
	((__u64 *)ip)[3] = load64(outer->headers + 24);
	((__u64 *)ip)[4] = load64(outer->headers + 32);
	/* RFC 6438: the flow's entropy in the label, for ECMP and receive queues on the way. */
	*(__be32 *)ip |= bpf_htonl(hash >> 12);
	ip->payload_len = bpf_htons(ip_bytes + outer->length - (__u32)sizeof(*ip));
	if (outer->length == sizeof(*ip)) {
		ip->nexthdr = v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
		return true;
	}
	return encap_push_udp((void *)(ip + 1), end, outer, sizeof(*ip), v6, ip_bytes, hash);
}

/* Two MACs, and the type of what follows. */
static __always_inline void encap_ethernet(struct ethhdr *eth, const __u8 *macs, __be16 ethertype)
{
	*(__u64 *)eth = load64(macs);
	*(__u32 *)((void *)eth + 8) = *(__u32 *)(macs + 8);
	eth->h_proto = ethertype;
}

/*
 * Makes room for an outer header in place of the tags. Each length that there is has a call of its
 * own: the processor then guesses which one it is and goes on, where it would have to wait for the
 * backend's path if the length were a number.
 */
static __always_inline bool encap_make_room(struct xdp_md *ctx, __u32 outer_length, __u32 tag_bytes)
{
	if (tag_bytes)
		return !bpf_xdp_adjust_head(ctx, (int)tag_bytes - (int)outer_length);
	switch (outer_length) {
	case 0:
		return true;
	case sizeof(struct iphdr):
		return !bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr));
	case sizeof(struct ipv6hdr):
		return !bpf_xdp_adjust_head(ctx, -(int)sizeof(struct ipv6hdr));
	default:
		return !bpf_xdp_adjust_head(ctx, -(int)outer_length);
	}
}

/*
 * Puts the backend's outer headers on and the Ethernet header of its next hop before them, in place
 * of the frame's own with its tags (`tag_bytes`). Where the backend has no outer header this only
 * changes the MACs, and takes the tags off.
 */
static __always_inline bool encap_push(struct xdp_md *ctx, const struct sluice_outer *outer,
				       const __u8 *macs, __u32 tag_bytes, bool v6, __u32 ip_bytes,
				       __u32 hash)
{
	bool outer_v6 = outer->ip_bytes == sizeof(struct ipv6hdr);
	void *data, *end;

	if (!encap_make_room(ctx, outer->length, tag_bytes))
		return false;
	data = frame_begin(ctx);
	end = frame_end(ctx);
	/* No packet with an outer header is shorter than this, of whichever family. */
	if (outer->length && data + sizeof(struct ethhdr) + sizeof(struct ipv6hdr) > end)
		return false;
	if (!outer->length)
		outer_v6 = v6;
	else if (outer_v6 ? !encap_fill_v6(data + sizeof(struct ethhdr), end, outer, v6, ip_bytes,
					   hash)
			  : !encap_fill_v4(data + sizeof(struct ethhdr), end, outer, v6, ip_bytes,
					   hash))
		return false;
	if (data + sizeof(struct ethhdr) > end)
		return false;
	encap_ethernet(data, macs, outer_v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP));
	return true;
}

#endif
