/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet as steer sees it: parsed once, IPv4 and IPv6 into the same fields. Bounds are checked
 * where the cursor advances, and nothing is believed that the packet says of its own length.
 */
#ifndef SLUICE_STEER_PACKET_H
#define SLUICE_STEER_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "sluice/flow.h"
#include "sluice/limits.h"
#include "sluice/verdict.h"

/* What a room answers that leaves the packet's fate to the next one. */
#define UNDECIDED SLUICE_VERDICT_COUNT

#define IPV4_FRAGMENT 0x3fff /* more fragments, or an offset */

struct packet {
	/* Addresses as two words of 64 bits, as struct sluice_address lies in memory. */
	__u64 source_high;
	__u64 source_low;
	__u64 destination_high;
	__u64 destination_low;
	__be16 source_port;
	__be16 destination_port;
	__u32 l4_offset; /* from the start of the frame */
	__u32 ip_bytes;	 /* from the IP header on, as the IP header says */
	bool v6;
	__u8 l4_proto;
	bool opens;    /* a connection: SYN without ACK, or any UDP packet */
	bool finishes; /* FIN */
	bool resets;   /* RST */
};

struct cursor {
	void *at;
	void *end;
};

static __always_inline void *cursor_take(struct cursor *cursor, __u32 bytes)
{
	void *taken = cursor->at;

	if (taken + bytes > cursor->end)
		return NULL;
	cursor->at = taken + bytes;
	return taken;
}

/*
 * Do so many bytes lie between here and the end? Asked of the distance, not of a pointer: the
 * verifier of Linux 6.12 knows no bound of what bpf_ntohs() answers and refuses to add it to one.
 */
static __always_inline bool cursor_holds(const struct cursor *cursor, const void *from, __u32 bytes)
{
	return bytes <= (__u64)(cursor->end - from);
}

static __always_inline __u64 address_high(const struct sluice_address *address)
{
	__u64 half;

	__builtin_memcpy(&half, address->bytes, sizeof(half));
	return half;
}

static __always_inline __u64 address_low(const struct sluice_address *address)
{
	__u64 half;

	__builtin_memcpy(&half, address->bytes + 8, sizeof(half));
	return half;
}

static __always_inline struct sluice_address address_of(__u64 high, __u64 low)
{
	struct sluice_address address;

	__builtin_memcpy(address.bytes, &high, sizeof(high));
	__builtin_memcpy(address.bytes + 8, &low, sizeof(low));
	return address;
}

/* The lower half of ::ffff:a.b.c.d. */
static __always_inline __u64 address_mapped(__be32 v4)
{
	__u8 bytes[8] = {0, 0, 0xff, 0xff};
	__u64 half;

	__builtin_memcpy(bytes + 4, &v4, sizeof(v4));
	__builtin_memcpy(&half, bytes, sizeof(half));
	return half;
}

static __always_inline __be32 address_v4(__u64 low)
{
	__u8 bytes[8];
	__be32 v4;

	__builtin_memcpy(bytes, &low, sizeof(low));
	__builtin_memcpy(&v4, bytes + 4, sizeof(v4));
	return v4;
}

static __always_inline enum sluice_verdict packet_parse_v4(struct packet *packet,
							   struct cursor *cursor)
{
	struct iphdr *ip = cursor_take(cursor, sizeof(*ip));
	__u32 header_bytes;

	if (!ip)
		return SLUICE_VERDICT_MALFORMED;
	header_bytes = ip->ihl * 4;
	packet->ip_bytes = bpf_ntohs(ip->tot_len);
	if (ip->version != 4 || header_bytes < sizeof(*ip) || packet->ip_bytes < header_bytes ||
	    !cursor_holds(cursor, ip, packet->ip_bytes))
		return SLUICE_VERDICT_MALFORMED;
	if (ip->frag_off & bpf_htons(IPV4_FRAGMENT))
		return SLUICE_VERDICT_FRAGMENT;
	packet->source_high = 0;
	packet->source_low = address_mapped(ip->saddr);
	packet->destination_high = 0;
	packet->destination_low = address_mapped(ip->daddr);
	packet->v6 = false;
	packet->l4_proto = ip->protocol;
	packet->l4_offset = sizeof(struct ethhdr) + header_bytes;
	if (!cursor_take(cursor, header_bytes - sizeof(*ip)))
		return SLUICE_VERDICT_MALFORMED;
	return UNDECIDED;
}

/*
 * RFC 8200, section 4: skips what may stand between the IPv6 header and its payload. A routing
 * header, ESP or anything else that is no plain transport leaves l4_proto at its own number, which
 * is neither TCP nor UDP, and so the packet passes.
 */
static __always_inline enum sluice_verdict packet_skip_extensions(struct packet *packet,
								  struct cursor *cursor)
{
	for (int i = 0; i < SLUICE_IPV6_EXTENSIONS_MAX; i++) {
		struct ipv6_opt_hdr *extension;
		__u32 bytes;

		if (packet->l4_proto == IPPROTO_FRAGMENT)
			return SLUICE_VERDICT_FRAGMENT;
		if (packet->l4_proto != IPPROTO_HOPOPTS && packet->l4_proto != IPPROTO_DSTOPTS)
			return UNDECIDED;
		extension = cursor_take(cursor, sizeof(*extension));
		if (!extension)
			return SLUICE_VERDICT_MALFORMED;
		bytes = (extension->hdrlen + 1) * 8;
		packet->l4_proto = extension->nexthdr;
		packet->l4_offset += bytes;
		if (!cursor_take(cursor, bytes - sizeof(*extension)))
			return SLUICE_VERDICT_MALFORMED;
	}
	return UNDECIDED;
}

static __always_inline enum sluice_verdict packet_parse_v6(struct packet *packet,
							   struct cursor *cursor)
{
	struct ipv6hdr *ip = cursor_take(cursor, sizeof(*ip));

	if (!ip)
		return SLUICE_VERDICT_MALFORMED;
	packet->ip_bytes = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (ip->version != 6 || !cursor_holds(cursor, ip, packet->ip_bytes))
		return SLUICE_VERDICT_MALFORMED;
	__builtin_memcpy(&packet->source_high, &ip->saddr.in6_u.u6_addr8[0], 8);
	__builtin_memcpy(&packet->source_low, &ip->saddr.in6_u.u6_addr8[8], 8);
	__builtin_memcpy(&packet->destination_high, &ip->daddr.in6_u.u6_addr8[0], 8);
	__builtin_memcpy(&packet->destination_low, &ip->daddr.in6_u.u6_addr8[8], 8);
	packet->v6 = true;
	packet->l4_proto = ip->nexthdr;
	packet->l4_offset = sizeof(struct ethhdr) + sizeof(*ip);
	return packet_skip_extensions(packet, cursor);
}

/* Ports, and of TCP the flags that begin and end a connection (RFC 9293, 3.1). */
static __always_inline enum sluice_verdict packet_parse_l4(struct packet *packet,
							   struct cursor *cursor)
{
	__u32 l4_bytes = packet->ip_bytes + sizeof(struct ethhdr) - packet->l4_offset;

	/* The headers before it can be longer than the whole packet says it is. */
	if (packet->l4_offset > packet->ip_bytes + sizeof(struct ethhdr))
		return SLUICE_VERDICT_MALFORMED;
	if (packet->l4_proto == IPPROTO_TCP) {
		struct tcphdr *tcp = cursor_take(cursor, sizeof(*tcp));

		if (!tcp || tcp->doff < 5 || tcp->doff * 4 > l4_bytes)
			return SLUICE_VERDICT_MALFORMED;
		packet->source_port = tcp->source;
		packet->destination_port = tcp->dest;
		packet->opens = tcp->syn && !tcp->ack && !tcp->rst;
		packet->finishes = tcp->fin;
		packet->resets = tcp->rst;
		return UNDECIDED;
	}
	if (packet->l4_proto == IPPROTO_UDP) {
		struct udphdr *udp = cursor_take(cursor, sizeof(*udp));

		if (!udp || bpf_ntohs(udp->len) < sizeof(*udp) || bpf_ntohs(udp->len) > l4_bytes)
			return SLUICE_VERDICT_MALFORMED;
		packet->source_port = udp->source;
		packet->destination_port = udp->dest;
		packet->opens = true;
		packet->finishes = false;
		packet->resets = false;
		return UNDECIDED;
	}
	return SLUICE_VERDICT_NOT_OURS;
}

static __always_inline enum sluice_verdict packet_parse(struct packet *packet, struct xdp_md *ctx)
{
	struct cursor cursor = {(void *)(long)ctx->data, (void *)(long)ctx->data_end};
	struct ethhdr *eth = cursor_take(&cursor, sizeof(*eth));
	enum sluice_verdict verdict;

	/* Until a header says better, the counters take the frame without its Ethernet header. */
	packet->ip_bytes = cursor.end - cursor.at;
	if (!eth)
		return SLUICE_VERDICT_NOT_IP;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		verdict = packet_parse_v4(packet, &cursor);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		verdict = packet_parse_v6(packet, &cursor);
	else
		return SLUICE_VERDICT_NOT_IP;
	if (verdict != UNDECIDED)
		return verdict;
	return packet_parse_l4(packet, &cursor);
}

static __always_inline struct sluice_flow packet_flow(const struct packet *packet)
{
	struct sluice_flow flow = {
		.source = address_of(packet->source_high, packet->source_low),
		.destination = address_of(packet->destination_high, packet->destination_low),
		.source_port = packet->source_port,
		.destination_port = packet->destination_port,
		.l4_proto = packet->l4_proto,
	};

	return flow;
}

#endif
