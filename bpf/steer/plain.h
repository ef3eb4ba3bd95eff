/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The short way: what nearly every packet of a settled service is, and nothing else. TCP or UDP, no
 * tag, no option, no extension header, no fragment; read in one look, with as little kept as the
 * rest of the short way needs. Whatever is not so plain takes the long way (program `steer_any`),
 * which has an answer for everything; so a doubt here costs time and never a packet.
 */
#ifndef SLUICE_STEER_PLAIN_H
#define SLUICE_STEER_PLAIN_H

#include "pure/hash.h"
#include "steer/encap.h"
#include "steer/nexthop.h"
#include "steer/packet.h"
#include "steer/ring.h"
#include "steer/service.h"

enum plain_answer {
	PLAIN,
	PLAIN_NOT,	/* the long way */
	PLAIN_STRANGER, /* pass: its destination is none of ours */
};

struct plain {
	__u64 destination_high;
	__u64 destination_low;
	__u64 address_sum; /* of the destination (pure/hash.h) */
	__u64 source_sum;  /* of the client (pure/hash.h) */
	__u32 ports;	   /* as they lie in the packet: source, destination */
	__u32 listens;	   /* service_word() of the destination */
	__u32 ip_bytes;
	bool opens; /* SYN without ACK or RST */
};

#define TCP_FLAGS_OFFSET 13
#define TCP_FLAGS_OPEN 0x16 /* SYN, RST, ACK ... */
#define TCP_FLAG_SYN 0x02   /* ... of which only the first */
#define IPV4_PLAIN 0x45	    /* version, and a header without options */

/* The destination is none of ours; but a backend of mode nat replies to whomever it likes. */
static __always_inline enum plain_answer plain_stranger(void)
{
	return address_filter.features & SLUICE_FEATURE_NAT ? PLAIN_NOT : PLAIN_STRANGER;
}

static __always_inline enum plain_answer plain_parse_l4(struct plain *plain, void *l4, void *end,
							__s32 l4_bytes, __u8 l4_proto)
{
	if (l4_proto == IPPROTO_TCP) {
		if (l4 + sizeof(struct tcphdr) > end || l4_bytes < (__s32)sizeof(struct tcphdr))
			return PLAIN_NOT;
		plain->opens = (((__u8 *)l4)[TCP_FLAGS_OFFSET] & TCP_FLAGS_OPEN) == TCP_FLAG_SYN;
	} else {
		if (l4_proto != IPPROTO_UDP || l4 + sizeof(struct udphdr) > end ||
		    l4_bytes < (__s32)sizeof(struct udphdr))
			return PLAIN_NOT;
		plain->opens = false;
	}
	plain->ports = *(__u32 *)l4;
	plain->listens = service_word(((__be16 *)l4)[1], l4_proto);
	return PLAIN;
}

static __always_inline enum plain_answer plain_parse_v4(struct plain *plain, struct iphdr *ip,
							void *end)
{
	if ((void *)(ip + 1) > end)
		return PLAIN_NOT;
	plain->destination_high = 0;
	plain->destination_low = address_mapped(ip->daddr);
	plain->address_sum = address_hash_sum(seed.words, 0, plain->destination_low);
	if (!service_may_have(plain->address_sum))
		return plain_stranger();
	plain->ip_bytes = bpf_ntohs(ip->tot_len);
	if (*(__u8 *)ip != IPV4_PLAIN || ip->frag_off & bpf_htons(IPV4_FRAGMENT) || ip->ttl <= 1 ||
	    plain->ip_bytes > (__u64)(end - (void *)ip))
		return PLAIN_NOT;
	plain->source_sum = flow_hash_sum_v4(seed.words, ip->saddr);
	return plain_parse_l4(plain, ip + 1, end, plain->ip_bytes - (__u32)sizeof(*ip),
			      ip->protocol);
}

static __always_inline enum plain_answer plain_parse_v6(struct plain *plain, struct ipv6hdr *ip,
							void *end)
{
	__u32 l4_bytes;

	if ((void *)(ip + 1) > end)
		return PLAIN_NOT;
	plain->destination_high = load64(&ip->daddr);
	plain->destination_low = load64((void *)&ip->daddr + 8);
	plain->address_sum =
		address_hash_sum(seed.words, plain->destination_high, plain->destination_low);
	if (!service_may_have(plain->address_sum))
		return plain_stranger();
	l4_bytes = bpf_ntohs(ip->payload_len);
	if (*(__u8 *)ip >> 4 != 6 || ip->hop_limit <= 1 ||
	    l4_bytes > (__u64)(end - (void *)(ip + 1)))
		return PLAIN_NOT;
	plain->ip_bytes = l4_bytes + (__u32)sizeof(*ip);
	plain->source_sum =
		flow_hash_sum_v6(seed.words, load64(&ip->saddr), load64((void *)&ip->saddr + 8));
	return plain_parse_l4(plain, ip + 1, end, l4_bytes, ip->nexthdr);
}

#endif
