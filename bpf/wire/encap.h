/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes the headers of layers 2 and 3 of a packet that is forwarded: TTL, outer headers, Ethernet.
 */
#ifndef SLUICE_WIRE_ENCAP_H
#define SLUICE_WIRE_ENCAP_H

#include "pure/checksum.h"
#include "sluice/service.h"
#include "wire/headers.h"
#include "wire/xdp_cursor.h"

#define ENCAP_PORT_SHIFT 18	 /* bits of the hash that do not fit into a dynamic port */
#define ENCAP_PORT_FIRST 0xc000u /* RFC 6335: 49152 to 65535 */

static __always_inline bool encap_has_ttl(struct xdp_md *ctx, __u32 l3_offset, bool v6)
{
	void *l3 = frame_at(frame_begin(ctx), l3_offset);

	if (l3 + sizeof(struct iphdr) > frame_end(ctx))
		return false;
	return (v6 ? ((struct ipv6hdr *)l3)->hop_limit : ((struct iphdr *)l3)->ttl) > 1;
}

/* A forwarded packet loses one from its TTL (RFC 1812, 5.3.1; RFC 2003, 3.1). It is above 1. */
static __always_inline void encap_take_ttl(void *l3, bool v6)
{
	if (v6) {
		((struct ipv6hdr *)l3)->hop_limit--;
	} else {
		struct iphdr *ip = l3;

		ip->check = checksum_one_less(ip->check);
		ip->ttl--;
	}
}

static __always_inline bool encap_spend_ttl(struct xdp_md *ctx, __u32 l3_offset, bool v6)
{
	void *l3 = frame_at(frame_begin(ctx), l3_offset);

	if (l3 + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) > frame_end(ctx))
		return false;
	encap_take_ttl(l3, v6);
	return true;
}

/* UDP, and in variant 0 GUE, before the inner packet (draft-ietf-intarea-gue-09, 3 and 4). */
static __always_inline bool encap_push_udp(struct udphdr *udp, void *end,
					   const struct sluice_outer *outer, __u32 length,
					   __u32 offset, bool v6, __u32 ip_bytes, __u32 hash)
{
	const void *from = outer->headers + offset;

	if ((void *)(udp + 1) + GUE_BYTES > end)
		return false;
	*(__u64 *)udp = load64(from);
	udp->source = bpf_htons(ENCAP_PORT_FIRST | hash >> ENCAP_PORT_SHIFT);
	udp->len = bpf_htons(ip_bytes + length - offset);
	if (length > offset + sizeof(*udp)) {
		*(__u32 *)(udp + 1) = *(__u32 *)(from + sizeof(*udp));
		((__u8 *)(udp + 1))[GUE_PROTO_OFFSET] = v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	}
	return true;
}

static __always_inline bool encap_fill_v4(struct iphdr *ip, void *end,
					  const struct sluice_outer *outer, __u32 length, bool v6,
					  __u32 ip_bytes, __u32 hash)
{
	__u32 sum;

	((__u64 *)ip)[0] = load64(outer->headers);
	((__u64 *)ip)[1] = load64(outer->headers + 8);
	((__u32 *)ip)[4] = *(__u32 *)(outer->headers + 16);
	ip->tot_len = bpf_htons(ip_bytes + length);
	/* The checksum field of the prebuilt header holds the sum of its other words. */
	sum = (__u32)ip->check + ip->tot_len;
	if (length == sizeof(*ip)) {
		ip->protocol = v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
		ip->check = (__u16)~checksum_fold(sum + bpf_htons(ip->protocol));
		return true;
	}
	ip->check = (__u16)~checksum_fold(sum);
	return encap_push_udp((void *)(ip + 1), end, outer, length, sizeof(*ip), v6, ip_bytes,
			      hash);
}

static __always_inline bool encap_fill_v6(struct ipv6hdr *ip, void *end,
					  const struct sluice_outer *outer, __u32 length, bool v6,
					  __u32 ip_bytes, __u32 hash)
{
	__u64 first = load64(outer->headers);

	/* RFC 6438: the flow hash in the label, for ECMP and receive queues on the path. */
	*(__be32 *)&first |= bpf_htonl(hash >> 12);
	((__u64 *)ip)[0] = first;
	((__u64 *)ip)[1] = load64(outer->headers + 8);
	((__u64 *)ip)[2] = load64(outer->headers + 16);
	((__u64 *)ip)[3] = load64(outer->headers + 24);
	((__u64 *)ip)[4] = load64(outer->headers + 32);
	ip->payload_len = bpf_htons(ip_bytes + length - (__u32)sizeof(*ip));
	if (length == sizeof(*ip)) {
		ip->nexthdr = v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
		return true;
	}
	return encap_push_udp((void *)(ip + 1), end, outer, length, sizeof(*ip), v6, ip_bytes,
			      hash);
}

static __always_inline void encap_ethernet(struct ethhdr *eth, const __u8 *macs, __be16 ethertype)
{
	*(__u64 *)eth = load64(macs);
	*(__u32 *)((void *)eth + 8) = *(__u32 *)(macs + 8);
	eth->h_proto = ethertype;
}

/* Fills the headroom that was added: Ethernet, and outer headers of `length` bytes. */
static __always_inline bool encap_fill(struct xdp_md *ctx, const struct sluice_outer *outer,
				       __u32 length, bool outer_v6, const __u8 *macs, bool v6,
				       __u32 ip_bytes, __u32 hash)
{
	void *data = frame_begin(ctx), *end = frame_end(ctx);
	void *ip = data + sizeof(struct ethhdr);

	/* A packet with an outer header is at least this long in both families. */
	if (ip + (length ? sizeof(struct ipv6hdr) : 0) > end)
		return false;
	if (length && !(outer_v6 ? encap_fill_v6(ip, end, outer, length, v6, ip_bytes, hash)
				 : encap_fill_v4(ip, end, outer, length, v6, ip_bytes, hash)))
		return false;
	encap_ethernet(data, macs, outer_v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP));
	return true;
}

/*
 * Replaces the frame's Ethernet header and its tags (`tag_bytes`) by the backend's outer headers
 * and the Ethernet header of its next hop. Without outer headers it only removes the tags and sets
 * the MACs. False: not enough headroom.
 *
 * Each common length has code of its own, with the length as a constant. The processor predicts the
 * branch and continues; a length in a register would make it wait for the load of the backend's
 * path.
 */
static __always_inline bool encap_push(struct xdp_md *ctx, const struct sluice_outer *outer,
				       const __u8 *macs, __u32 tag_bytes, bool v6, __u32 ip_bytes,
				       __u32 hash)
{
	const int v4_bytes = sizeof(struct iphdr), v6_bytes = sizeof(struct ipv6hdr);
	int length = outer->length;

	if (!tag_bytes && length == v4_bytes)
		return !bpf_xdp_adjust_head(ctx, -v4_bytes) &&
		       encap_fill(ctx, outer, v4_bytes, false, macs, v6, ip_bytes, hash);
	if (!tag_bytes && length == v6_bytes)
		return !bpf_xdp_adjust_head(ctx, -v6_bytes) &&
		       encap_fill(ctx, outer, v6_bytes, true, macs, v6, ip_bytes, hash);
	if (length != (int)tag_bytes && bpf_xdp_adjust_head(ctx, (int)tag_bytes - length))
		return false;
	if (!length)
		return encap_fill(ctx, outer, 0, v6, macs, v6, ip_bytes, hash);
	return encap_fill(ctx, outer, length, outer->ip_bytes == v6_bytes, macs, v6, ip_bytes,
			  hash);
}

#endif
