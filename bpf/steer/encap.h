/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Headers of layers 2 and 3 on the way out: TTL, the outer IP header, Ethernet.
 */
#ifndef SLUICE_STEER_ENCAP_H
#define SLUICE_STEER_ENCAP_H

#include "pure/checksum.h"
#include "steer/nexthop.h"
#include "steer/packet.h"

/* We forward, so we take one off the TTL (RFC 1812, 5.3.1; RFC 2003, 3.1); false: it was used up.
 */
static __always_inline bool encap_spend_ttl(struct xdp_md *ctx, const struct packet *packet)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	if (packet->v6) {
		struct ipv6hdr *ip = data + sizeof(struct ethhdr);

		if ((void *)(ip + 1) > data_end || ip->hop_limit <= 1)
			return false;
		ip->hop_limit--;
	} else {
		struct iphdr *ip = data + sizeof(struct ethhdr);

		if ((void *)(ip + 1) > data_end || ip->ttl <= 1)
			return false;
		/* RFC 1141: one less in the upper byte of a word is one more in the checksum's. */
		ip->check = checksum_replace2(ip->check, bpf_htons(0x0100), 0);
		ip->ttl--;
	}
	return true;
}

static __always_inline bool encap_push_v4(struct xdp_md *ctx, const struct packet *packet,
					  const struct sluice_backend *backend)
{
	struct iphdr *outer;
	void *data;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*outer)))
		return false;
	data = (void *)(long)ctx->data;
	outer = data + sizeof(struct ethhdr);
	if ((void *)(outer + 1) > (void *)(long)ctx->data_end)
		return false;
	__builtin_memcpy(outer, backend->outer, sizeof(*outer));
	outer->tot_len = bpf_htons(packet->ip_bytes + sizeof(*outer));
	outer->protocol = packet->v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	/* The prebuilt header holds the sum of all its other words. */
	outer->check = (__u16)~checksum_fold((__u32)outer->check + outer->tot_len +
					     bpf_htons(outer->protocol));
	((struct ethhdr *)data)->h_proto = bpf_htons(ETH_P_IP);
	return true;
}

static __always_inline bool encap_push_v6(struct xdp_md *ctx, const struct packet *packet,
					  const struct sluice_backend *backend, __u32 hash)
{
	struct ipv6hdr *outer;
	void *data;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*outer)))
		return false;
	data = (void *)(long)ctx->data;
	outer = data + sizeof(struct ethhdr);
	if ((void *)(outer + 1) > (void *)(long)ctx->data_end)
		return false;
	__builtin_memcpy(outer, backend->outer, sizeof(*outer));
	/* RFC 6438: the flow's entropy in the label, for ECMP and receive queues on the way. */
	*(__be32 *)outer |= bpf_htonl(hash >> 12);
	outer->payload_len = bpf_htons(packet->ip_bytes);
	outer->nexthdr = packet->v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	((struct ethhdr *)data)->h_proto = bpf_htons(ETH_P_IPV6);
	return true;
}

/* Puts the backend's outer header on; the Ethernet header before it has only its type. */
static __always_inline bool encap_push(struct xdp_md *ctx, const struct packet *packet,
				       const struct sluice_backend *backend, __u32 hash)
{
	if (backend->outer_length == sizeof(struct iphdr))
		return encap_push_v4(ctx, packet, backend);
	return encap_push_v6(ctx, packet, backend, hash);
}

static __always_inline void encap_ethernet(struct xdp_md *ctx, const __u8 *destination_mac,
					   const __u8 *source_mac)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return;
	__builtin_memcpy(eth->h_dest, destination_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, source_mac, ETH_ALEN);
}

#endif
