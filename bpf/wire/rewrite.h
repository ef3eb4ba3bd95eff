/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rewrites addresses and ports of a packet in place, with all checksums that cover them.
 */
#ifndef SLUICE_WIRE_REWRITE_H
#define SLUICE_WIRE_REWRITE_H

#include "pure/checksum.h"
#include "sluice/flow.h"
#include "wire/packet.h"

/* Writes `to` at `at`. Returns the difference that this makes to a checksum. */
static __always_inline __u64 rewrite_v6(struct in6_addr *at, const struct sluice_address *to)
{
	__u32 *from = (__u32 *)at;
	__u32 *words = (__u32 *)to;
	__u64 difference = 0;

	for (int i = 0; i < 4; i++) {
		difference = checksum_difference(difference, from[i], words[i]);
		from[i] = words[i];
	}
	return difference;
}

static __always_inline __u64 rewrite_v4(__be32 *at, const struct sluice_address *to)
{
	__be32 address = address_v4(address_low(to));
	__u64 difference = checksum_difference(0, *at, address);

	*at = address;
	return difference;
}

/*
 * Writes both addresses into the IP header at `ip`, and updates an IPv4 header's checksum. `source`
 * may be NULL: it stays. False: the header does not lie within the first buffer.
 */
static __always_inline bool rewrite_addresses(void *ip, void *end, bool v6,
					      const struct sluice_address *source,
					      const struct sluice_address *destination,
					      __u64 *difference)
{
	if (v6) {
		struct ipv6hdr *header = ip;

		if ((void *)(header + 1) > end)
			return false;
		if (source)
			*difference += rewrite_v6(&header->saddr, source);
		*difference += rewrite_v6(&header->daddr, destination);
	} else {
		struct iphdr *header = ip;

		if ((void *)(header + 1) > end)
			return false;
		if (source)
			*difference += rewrite_v4(&header->saddr, source);
		*difference += rewrite_v4(&header->daddr, destination);
		header->check = checksum_apply(header->check, *difference);
	}
	return true;
}

static __always_inline __u64 rewrite_ports(__be16 *ports, __be16 source, __be16 destination)
{
	__u64 difference = (__u64)(__u16)~ports[0] + source;

	difference += (__u64)(__u16)~ports[1] + destination;
	ports[0] = source;
	ports[1] = destination;
	return difference;
}

/* The ports, and the L4 checksum, which covers the addresses too (RFC 1624). */
static __always_inline bool rewrite_l4(void *l4, void *end, __u8 l4_proto,
				       const struct sluice_flow *translated_tuple, __u64 difference)
{
	__sum16 *check;

	if (l4 + sizeof(struct udphdr) > end)
		return false;
	difference += rewrite_ports(l4, translated_tuple->source_port,
				    translated_tuple->destination_port);
	if (l4_proto == IPPROTO_UDP) {
		check = &((struct udphdr *)l4)->check;
		/* RFC 768: 0 stands for no checksum, and stays. */
		if (*check)
			*check = checksum_udp(checksum_apply(*check, difference));
		return true;
	}
	if (l4 + sizeof(struct tcphdr) > end)
		return false;
	check = &((struct tcphdr *)l4)->check;
	*check = checksum_apply(*check, difference);
	return true;
}

/*
 * The checksum of a quoted transport header, or NULL if the quote does not reach it: eight bytes
 * contain that of UDP, but not that of TCP.
 */
static __always_inline __sum16 *rewrite_quoted_check(void *l4, void *end,
						     const struct packet *packet)
{
	__u32 l4_bytes = packet->l3_offset + packet->ip_bytes - packet->quoted_l4_offset;

	if (packet->l4_proto == IPPROTO_UDP && l4 + sizeof(struct udphdr) <= end)
		return &((struct udphdr *)l4)->check;
	if (packet->l4_proto == IPPROTO_TCP && l4 + sizeof(struct tcphdr) <= end &&
	    l4_bytes >= sizeof(struct tcphdr))
		return &((struct tcphdr *)l4)->check;
	return NULL;
}

/*
 * An ICMP error gets the destination of its flow and keeps its own source. The quoted packet went
 * the other way, and is written as its sender sent it (RFC 5508, REQ-4). Changes in a quoted IPv4
 * header cancel out in the ICMP checksum, because the header contains a checksum of its own.
 */
static __always_inline bool rewrite_quote(struct xdp_md *ctx, const struct packet *packet,
					  const struct sluice_flow *translated_tuple)
{
	void *data = frame_begin(ctx);
	void *end = frame_end(ctx);
	__u64 outer = 0, inner = 0, difference;
	struct icmp_header *icmp;
	__sum16 *check, before;
	void *ports;

	if (!rewrite_addresses(frame_at(data, packet->l3_offset), end, packet->v6, NULL,
			       &translated_tuple->destination, &outer) ||
	    !rewrite_addresses(frame_at(data, packet->quote_offset), end, packet->v6,
			       &translated_tuple->destination, &translated_tuple->source, &inner))
		return false;
	ports = frame_at(data, packet->quoted_l4_offset);
	if (ports + ICMP_QUOTED_L4_BYTES > end)
		return false;
	difference = rewrite_ports(ports, translated_tuple->destination_port,
				   translated_tuple->source_port);
	inner += difference;
	if (packet->v6)
		difference = outer + inner;
	check = rewrite_quoted_check(ports, end, packet);
	if (check && (*check || packet->l4_proto == IPPROTO_TCP)) {
		before = *check;
		*check = checksum_apply(before, inner);
		if (packet->l4_proto == IPPROTO_UDP)
			*check = checksum_udp(*check);
		difference += (__u64)(__u16)~before + *check;
	}
	icmp = frame_at(data, packet->l4_offset);
	if ((void *)(icmp + 1) > end)
		return false;
	icmp->checksum = checksum_apply(icmp->checksum, difference);
	return true;
}

/* Rewrites addresses, ports and checksums of any kind of packet. Its length stays. */
static __always_inline bool rewrite_packet(struct xdp_md *ctx, const struct packet *packet,
					   const struct sluice_flow *translated_tuple)
{
	void *data = frame_begin(ctx);
	void *end = frame_end(ctx);
	__u64 difference = 0;

	if (packet->kind == PACKET_QUOTE)
		return rewrite_quote(ctx, packet, translated_tuple);
	if (!rewrite_addresses(frame_at(data, packet->l3_offset), end, packet->v6,
			       &translated_tuple->source, &translated_tuple->destination,
			       &difference))
		return false;
	return packet->kind == PACKET_LATER_FRAGMENT ||
	       rewrite_l4(frame_at(data, packet->l4_offset), end, packet->l4_proto,
			  translated_tuple, difference);
}

#endif
