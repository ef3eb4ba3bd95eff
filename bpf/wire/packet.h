/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet as the slow path sees it: parsed once, IPv4 and IPv6 into the same fields, with tags,
 * options and extension headers skipped. `decap` parses the inner packet of a tunnel with it.
 * Bounds are checked where the cursor advances. Lengths that the packet states are checked against
 * the frame.
 */
#ifndef SLUICE_WIRE_PACKET_H
#define SLUICE_WIRE_PACKET_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "sluice/flow.h"
#include "sluice/limits.h"
#include "sluice/verdict.h"
#include "wire/headers.h"
#include "wire/ipv6_extensions.h"
#include "wire/mapped_address.h"
#include "wire/xdp_cursor.h"

/* The answer of a stage that leaves the decision to the next stage. */
#define UNDECIDED SLUICE_VERDICT_COUNT

enum packet_kind {
	PACKET_WHOLE,
	PACKET_FIRST_FRAGMENT, /* has ports */
	PACKET_LATER_FRAGMENT, /* has none */
	PACKET_QUOTE,	       /* an ICMP error; the flow is the one that it quotes */
	PACKET_ECHO,	       /* an ICMP echo request; l4_proto is ICMP or ICMPv6 */
};

/*
 * Addresses and ports are the flow's, as the client's packets carry them. Those of an ICMP error
 * are the quoted packet's, reversed: the error belongs to that flow and takes its path.
 */
struct packet {
	/* Addresses in halves (wire/mapped_address.h). */
	__u64 source_high;
	__u64 source_low;
	__u64 destination_high;
	__u64 destination_low;
	__be16 source_port;
	__be16 destination_port;
	__u32 l3_offset; /* from the start of the frame, as all offsets */
	__u32 l4_offset;
	__u32 quote_offset; /* PACKET_QUOTE: of the quoted IP header */
	__u32 quoted_l4_offset;
	__u32 ip_bytes; /* IP header and payload, as the IP header states */
	__u32 fragment_id;
	bool v6;
	__u8 l4_proto; /* of a quote: the quoted one */
	__u8 kind;     /* enum packet_kind */
	bool opens;    /* may begin a connection: SYN without ACK, any UDP packet, QUIC's Initial */
	bool answers;  /* SYN with ACK */
	bool datagram; /* UDP, where no packet states that it begins a flow */
	bool finishes; /* FIN */
	bool resets;   /* RST */
};

/*
 * Does the frame hold the whole IP packet? In lengths and not in pointers: the verifier of 6.12
 * knows no bound of the result of bpf_ntohs() and refuses to add it to a pointer.
 */
static __always_inline bool packet_fits(const struct packet *packet, const struct cursor *cursor)
{
	return packet->ip_bytes + (__u64)packet->l3_offset <= cursor->frame_bytes;
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
	    !packet_fits(packet, cursor))
		return SLUICE_VERDICT_MALFORMED;
	packet->kind = PACKET_WHOLE;
	if (ip->frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
		packet->kind = PACKET_LATER_FRAGMENT;
	else if (ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS))
		packet->kind = PACKET_FIRST_FRAGMENT;
	packet->fragment_id = ip->id;
	packet->source_high = 0;
	packet->source_low = address_mapped(ip->saddr);
	packet->destination_high = 0;
	packet->destination_low = address_mapped(ip->daddr);
	packet->v6 = false;
	packet->l4_proto = ip->protocol;
	packet->l4_offset = packet->l3_offset + header_bytes;
	if (!cursor_skip(cursor, header_bytes - sizeof(*ip)))
		return SLUICE_VERDICT_MALFORMED;
	return UNDECIDED;
}

static __always_inline enum sluice_verdict packet_parse_v6(struct packet *packet,
							   struct cursor *cursor)
{
	struct ipv6hdr *ip = cursor_take(cursor, sizeof(*ip));
	struct ipv6_extensions extensions = {};

	if (!ip)
		return SLUICE_VERDICT_MALFORMED;
	packet->ip_bytes = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (ip->version != 6 || !packet_fits(packet, cursor))
		return SLUICE_VERDICT_MALFORMED;
	packet->source_high = load64(&ip->saddr);
	packet->source_low = load64((void *)&ip->saddr + 8);
	packet->destination_high = load64(&ip->daddr);
	packet->destination_low = load64((void *)&ip->daddr + 8);
	packet->v6 = true;
	extensions.l4_proto = ip->nexthdr;
	if (!ipv6_skip_extensions(cursor, &extensions, false))
		return SLUICE_VERDICT_MALFORMED;
	packet->kind = PACKET_WHOLE;
	if (extensions.fragment & bpf_htons(IPV6_FRAGMENT_OFFSET))
		packet->kind = PACKET_LATER_FRAGMENT;
	else if (extensions.fragment)
		packet->kind = PACKET_FIRST_FRAGMENT;
	packet->fragment_id = extensions.fragment_id;
	packet->l4_proto = extensions.l4_proto;
	packet->l4_offset = packet->l3_offset + sizeof(*ip) + extensions.bytes;
	return UNDECIDED;
}

/* The quoted flow, reversed. The quoted source has to be the address that the error is sent to. */
static __always_inline enum sluice_verdict packet_parse_quote(struct packet *packet,
							      struct cursor *cursor)
{
	__u64 to_high = packet->destination_high, to_low = packet->destination_low;
	__be16 *ports;

	packet->kind = PACKET_QUOTE;
	packet->quote_offset = packet->l4_offset + sizeof(struct icmp_header);
	if (packet->v6) {
		struct ipv6hdr *quoted = cursor_take(cursor, sizeof(*quoted));

		if (!quoted || quoted->version != 6)
			return SLUICE_VERDICT_NOT_OURS;
		packet->l4_proto = quoted->nexthdr;
		packet->quoted_l4_offset = packet->quote_offset + sizeof(*quoted);
		packet->destination_high = load64(&quoted->saddr);
		packet->destination_low = load64((void *)&quoted->saddr + 8);
		packet->source_high = load64(&quoted->daddr);
		packet->source_low = load64((void *)&quoted->daddr + 8);
	} else {
		struct iphdr *quoted = cursor_take(cursor, sizeof(*quoted));
		__u32 header_bytes;

		if (!quoted || quoted->version != 4 || quoted->ihl < 5 ||
		    quoted->frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
			return SLUICE_VERDICT_NOT_OURS;
		header_bytes = quoted->ihl * 4;
		packet->l4_proto = quoted->protocol;
		packet->quoted_l4_offset = packet->quote_offset + header_bytes;
		packet->destination_low = address_mapped(quoted->saddr);
		packet->source_low = address_mapped(quoted->daddr);
		if (!cursor_skip(cursor, header_bytes - sizeof(*quoted)))
			return SLUICE_VERDICT_NOT_OURS;
	}
	ports = cursor_take(cursor, ICMP_QUOTED_L4_BYTES);
	/* Bytes after the packet's end are padding of the frame, not a quote. */
	if (!ports ||
	    packet->quoted_l4_offset + ICMP_QUOTED_L4_BYTES >
		    packet->l3_offset + packet->ip_bytes ||
	    (packet->l4_proto != IPPROTO_TCP && packet->l4_proto != IPPROTO_UDP) ||
	    packet->destination_high != to_high || packet->destination_low != to_low)
		return SLUICE_VERDICT_NOT_OURS;
	packet->destination_port = ports[0];
	packet->source_port = ports[1];
	return UNDECIDED;
}

/* Echo requests, and the errors that a sender has to receive (RFC 792, RFC 4443). */
static __always_inline enum sluice_verdict packet_parse_icmp(struct packet *packet,
							     struct cursor *cursor, __u32 l4_bytes)
{
	struct icmp_header *icmp = cursor_take(cursor, sizeof(*icmp));

	if (!icmp || l4_bytes < sizeof(*icmp) || packet->kind != PACKET_WHOLE)
		return SLUICE_VERDICT_NOT_OURS;
	if (icmp->type == (packet->v6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST)) {
		packet->kind = PACKET_ECHO;
		return UNDECIDED;
	}
	if (packet->v6 ? icmp->type >= ICMPV6_UNREACHABLE && icmp->type <= ICMPV6_PARAMETER_PROBLEM
		       : icmp->type == ICMP_UNREACHABLE || icmp->type == ICMP_TIME_EXCEEDED ||
				 icmp->type == ICMP_PARAMETER_PROBLEM)
		return packet_parse_quote(packet, cursor);
	return SLUICE_VERDICT_NOT_OURS;
}

/*
 * Ports, and of TCP the flags that begin and end a connection. Nothing else of the header is
 * checked: that is the backend's task.
 */
static __always_inline enum sluice_verdict packet_parse_l4(struct packet *packet,
							   struct cursor *cursor)
{
	__u32 l4_bytes = packet->ip_bytes + packet->l3_offset - packet->l4_offset;

	packet->source_port = 0;
	packet->destination_port = 0;
	packet->opens = false;
	packet->answers = false;
	packet->datagram = false;
	packet->finishes = false;
	packet->resets = false;
	/* The headers can be longer than the packet states that it is. */
	if (packet->l4_offset > packet->ip_bytes + packet->l3_offset)
		return SLUICE_VERDICT_MALFORMED;
	if (packet->kind == PACKET_LATER_FRAGMENT)
		return UNDECIDED;
	if (packet->l4_proto == IPPROTO_TCP) {
		struct tcphdr *tcp = cursor_take(cursor, sizeof(*tcp));

		if (!tcp || l4_bytes < sizeof(*tcp))
			return SLUICE_VERDICT_MALFORMED;
		packet->source_port = tcp->source;
		packet->destination_port = tcp->dest;
		packet->opens = tcp_opens(tcp_flags(tcp));
		packet->answers = (tcp_flags(tcp) & (TCP_FLAGS_SYN | TCP_FLAGS_ACK)) ==
				  (TCP_FLAGS_SYN | TCP_FLAGS_ACK);
		packet->finishes = tcp_flags(tcp) & TCP_FLAGS_FIN;
		packet->resets = tcp_flags(tcp) & TCP_FLAGS_RST;
		return UNDECIDED;
	}
	if (packet->l4_proto == IPPROTO_UDP) {
		struct udphdr *udp = cursor_take(cursor, sizeof(*udp));

		if (!udp || l4_bytes < sizeof(*udp))
			return SLUICE_VERDICT_MALFORMED;
		packet->source_port = udp->source;
		packet->destination_port = udp->dest;
		packet->opens = true;
		packet->datagram = true;
		return UNDECIDED;
	}
	if (packet->l4_proto == (packet->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return packet_parse_icmp(packet, cursor, l4_bytes);
	return SLUICE_VERDICT_NOT_OURS;
}

/* From the IP header on. */
static __always_inline enum sluice_verdict packet_parse_l3(struct packet *packet,
							   struct cursor *cursor, __be16 ethertype)
{
	enum sluice_verdict verdict = SLUICE_VERDICT_NOT_IP;

	if (ethertype == bpf_htons(ETH_P_IP))
		verdict = packet_parse_v4(packet, cursor);
	else if (ethertype == bpf_htons(ETH_P_IPV6))
		verdict = packet_parse_v6(packet, cursor);
	return verdict == UNDECIDED ? packet_parse_l4(packet, cursor) : verdict;
}

static __always_inline enum sluice_verdict packet_parse(struct packet *packet, struct xdp_md *ctx)
{
	struct cursor cursor = cursor_begin(ctx);
	struct ethhdr *eth = cursor_take(&cursor, sizeof(*eth));
	__be16 ethertype;

	/* For the counters, until an IP header states a length: the frame without Ethernet. */
	packet->ip_bytes = cursor.end - cursor.at;
	if (!eth)
		return SLUICE_VERDICT_NOT_IP;
	ethertype = eth->h_proto;
	packet->l3_offset = sizeof(*eth);
	for (int i = 0; i < VLAN_TAGS_MAX && ethertype_is_vlan(ethertype); i++) {
		struct vlan_tag *tag = cursor_take(&cursor, sizeof(*tag));

		if (!tag)
			return SLUICE_VERDICT_NOT_IP;
		ethertype = tag->ethertype;
		packet->l3_offset += sizeof(*tag);
	}
	return packet_parse_l3(packet, &cursor, ethertype);
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
