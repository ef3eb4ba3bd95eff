/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet as the long way sees it: parsed once, IPv4 and IPv6 into the same fields, whatever its
 * tags, options and extension headers; `decap` reads what is inside a tunnel with it. Bounds are
 * checked where the cursor advances, and nothing is believed that the packet says of its own
 * length.
 */
#ifndef SLUICE_STEER_PACKET_H
#define SLUICE_STEER_PACKET_H

#include <stdbool.h>
#include <stddef.h>

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

/* Ethernet and two tags. */
#define PACKET_TAGS_MAX 2
#define PACKET_L3_OFFSET_MAX 22
/* A mask: more than headers ever take. */
#define PACKET_OFFSET_MAX 0x3fff

#define IPV4_FRAGMENT 0x3fff /* more fragments, or an offset */
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV6_MORE_FRAGMENTS 0x0001
#define IPV6_FRAGMENT_OFFSET 0xfff8
#define ICMP_QUOTED_L4_BYTES 8 /* RFC 792: no error quotes less */

/* RFC 792 and RFC 4443. (The kernel's own headers for it want all of the C library's.) */
struct icmp_header {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be32 rest; /* its lower half is the MTU of an IPv4 error */
};

#define ICMP_ECHO_REPLY 0
#define ICMP_UNREACHABLE 3
#define ICMP_ECHO_REQUEST 8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER_PROBLEM 12
#define ICMP_FRAGMENTATION_NEEDED 4 /* code of UNREACHABLE */
#define ICMPV6_UNREACHABLE 1
#define ICMPV6_PACKET_TOO_BIG 2
#define ICMPV6_PARAMETER_PROBLEM 4
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129

enum packet_kind {
	PACKET_WHOLE,
	PACKET_FIRST_FRAGMENT, /* has ports */
	PACKET_LATER_FRAGMENT, /* has none */
	PACKET_QUOTE,	       /* an ICMP error; the flow is the one that it quotes */
	PACKET_ECHO,	       /* an ICMP echo request; l4_proto says of which kind */
};

/*
 * Addresses and ports are the flow's, as its client's packets have them. An ICMP error's are those
 * of the packet that it quotes, turned round: it belongs to that flow and goes where that goes.
 */
struct packet {
	/* Addresses as two words of 64 bits, as struct sluice_address lies in memory. */
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
	__u32 ip_bytes; /* from the IP header on, as the IP header says */
	__u32 fragment_id;
	bool v6;
	__u8 l4_proto; /* of a quote: the quoted one */
	__u8 kind;     /* enum packet_kind */
	bool opens;    /* a connection: SYN without ACK, any UDP packet, QUIC's Initial */
	bool datagram; /* UDP, of which no packet says that it begins something */
	bool finishes; /* FIN */
	bool resets;   /* RST */
};

/*
 * Where the frame begins and ends. In assembly, because clang takes these two for numbers of 32
 * bits and truncates them again where paths meet, and then the verifier takes them for numbers as
 * well.
 */
static __always_inline void *frame_begin(struct xdp_md *ctx)
{
	void *at;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(at)
		     : "r"(ctx), "i"(offsetof(struct xdp_md, data)));
	return at;
}

static __always_inline void *frame_end(struct xdp_md *ctx)
{
	void *at;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(at)
		     : "r"(ctx), "i"(offsetof(struct xdp_md, data_end)));
	return at;
}

/* Where an offset that was parsed lies; masked, so that the verifier knows a bound of it. */
static __always_inline void *packet_at(void *begin, __u32 offset)
{
	offset &= PACKET_OFFSET_MAX;
	asm volatile("" : "+r"(offset));
	return begin + offset;
}

struct cursor {
	void *at;
	void *end;
	__u64 frame_bytes; /* what lies in further buffers included (jumbo frames) */
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
 * Does the frame have so many bytes from the IP header on? Asked of lengths, not of pointers: the
 * verifier of Linux 6.12 knows no bound of what bpf_ntohs() answers and refuses to add it to one.
 */
static __always_inline bool packet_fits(const struct packet *packet, const struct cursor *cursor)
{
	return packet->ip_bytes + (__u64)packet->l3_offset <= cursor->frame_bytes;
}

/* Eight bytes of a packet as they lie there, aligned or not. */
static __always_inline __u64 load64(const void *at)
{
	return *(const __u64 *)at;
}

/* IEEE 802.1Q and 802.1ad. */
static __always_inline bool packet_is_tagged(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

static __always_inline __u64 address_high(const struct sluice_address *address)
{
	return load64(address->bytes);
}

static __always_inline __u64 address_low(const struct sluice_address *address)
{
	return load64(address->bytes + 8);
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
		__u32 bytes = 8;

		if (packet->l4_proto != IPPROTO_HOPOPTS && packet->l4_proto != IPPROTO_DSTOPTS &&
		    packet->l4_proto != IPPROTO_FRAGMENT)
			return UNDECIDED;
		extension = cursor_take(cursor, bytes);
		if (!extension)
			return SLUICE_VERDICT_MALFORMED;
		if (packet->l4_proto == IPPROTO_FRAGMENT) {
			__be16 offset = ((__be16 *)extension)[1];

			packet->fragment_id = ((__be32 *)extension)[1];
			if (offset & bpf_htons(IPV6_FRAGMENT_OFFSET))
				packet->kind = PACKET_LATER_FRAGMENT;
			else if (offset & bpf_htons(IPV6_MORE_FRAGMENTS))
				packet->kind = PACKET_FIRST_FRAGMENT;
		} else {
			bytes += extension->hdrlen * 8;
		}
		packet->l4_proto = extension->nexthdr;
		packet->l4_offset += bytes;
		if (packet->kind == PACKET_LATER_FRAGMENT)
			return UNDECIDED;
		if (!cursor_take(cursor, bytes - 8))
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
	if (ip->version != 6 || !packet_fits(packet, cursor))
		return SLUICE_VERDICT_MALFORMED;
	packet->source_high = load64(&ip->saddr);
	packet->source_low = load64((void *)&ip->saddr + 8);
	packet->destination_high = load64(&ip->daddr);
	packet->destination_low = load64((void *)&ip->daddr + 8);
	packet->v6 = true;
	packet->kind = PACKET_WHOLE;
	packet->fragment_id = 0;
	packet->l4_proto = ip->nexthdr;
	packet->l4_offset = packet->l3_offset + sizeof(*ip);
	return packet_skip_extensions(packet, cursor);
}

/* The flow that an ICMP error quotes, turned round: its client's packets came to who gets this. */
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
		if (!cursor_take(cursor, header_bytes - sizeof(*quoted)))
			return SLUICE_VERDICT_NOT_OURS;
	}
	ports = cursor_take(cursor, ICMP_QUOTED_L4_BYTES);
	/* What is behind the packet's end is the frame's padding, and quotes nothing. */
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

/* Echo requests, and the errors that a sender has to know (RFC 792, RFC 4443). */
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
 * Ports, and of TCP the flags that begin and end a connection (RFC 9293, 3.1). What else may be
 * wrong behind the ports is for the backend to say.
 */
static __always_inline enum sluice_verdict packet_parse_l4(struct packet *packet,
							   struct cursor *cursor)
{
	__u32 l4_bytes = packet->ip_bytes + packet->l3_offset - packet->l4_offset;

	packet->source_port = 0;
	packet->destination_port = 0;
	packet->opens = false;
	packet->datagram = false;
	packet->finishes = false;
	packet->resets = false;
	/* The headers before it can be longer than the whole packet says it is. */
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
		packet->opens = tcp->syn && !tcp->ack && !tcp->rst;
		packet->finishes = tcp->fin;
		packet->resets = tcp->rst;
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

/* From the IP header on; `ethertype` says of which family. */
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
	struct cursor cursor = {frame_begin(ctx), frame_end(ctx), bpf_xdp_get_buff_len(ctx)};
	struct ethhdr *eth = cursor_take(&cursor, sizeof(*eth));
	__be16 ethertype;

	/* Until a header says better, the counters take the frame without its Ethernet header. */
	packet->ip_bytes = cursor.end - cursor.at;
	if (!eth)
		return SLUICE_VERDICT_NOT_IP;
	ethertype = eth->h_proto;
	packet->l3_offset = sizeof(*eth);
	for (int i = 0; i < PACKET_TAGS_MAX && packet_is_tagged(ethertype); i++) {
		__be16 *tag = cursor_take(&cursor, 4);

		if (!tag)
			return SLUICE_VERDICT_NOT_IP;
		ethertype = tag[1];
		packet->l3_offset += 4;
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
