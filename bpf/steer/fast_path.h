/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The short way: what nearly every packet of a settled service is, and nothing else. TCP or UDP, no
 * tag, no option, no extension header, no fragment; read in one look, with as little kept as the
 * rest of the short way needs. Whatever is not so plain takes the long way (program `steer_slow`),
 * which has an answer for everything; so a doubt here costs time and never a packet.
 */
#ifndef SLUICE_STEER_FAST_PATH_H
#define SLUICE_STEER_FAST_PATH_H

#include "pure/hash.h"
#include "steer/encap.h"
#include "steer/nexthop.h"
#include "steer/packet.h"
#include "steer/ring.h"
#include "steer/service.h"

enum fast_path_answer {
	FAST_PATH_HIT,
	FAST_PATH_MISS, /* the long way */
	FAST_PATH_PASS, /* pass: its destination is none of ours */
};

struct fast_path_packet {
	__u64 address_sum; /* of the destination (pure/hash.h) */
	__u32 ports;	   /* as they lie in the packet: source, destination */
	__u32 listens;	   /* service_word() of the destination */
	__u32 ip_bytes;
	__u32 tcp_flags; /* 0 where there are none */
};

#define TCP_FLAGS_OFFSET 13
#define TCP_FLAGS_OPEN 0x16 /* SYN, RST, ACK ... */
#define TCP_FLAG_SYN 0x02   /* ... of which only the first */

/* The destination is none of ours; but a backend of mode nat replies to whomever it likes. */
static __always_inline enum fast_path_answer fast_path_not_ours(void)
{
	return address_filter.features & SLUICE_FEATURE_NAT ? FAST_PATH_MISS : FAST_PATH_PASS;
}

/* A SYN without ACK or RST. */
static __always_inline bool fast_path_opens(const struct fast_path_packet *packet)
{
	return (packet->tcp_flags & TCP_FLAGS_OPEN) == TCP_FLAG_SYN;
}

/* Asked for when the service is known: until then the sum would only be in the way of registers. */
static __always_inline __u32 fast_path_flow_hash(const void *ip, bool v6, __u32 ports)
{
	if (v6)
		return flow_hash_v6(seed.words, (const __u32 *)&((struct ipv6hdr *)ip)->saddr,
				    ports);
	return flow_hash_v4(seed.words, ((struct iphdr *)ip)->saddr, ports);
}

/* Likewise: its address is asked for again, rather than kept. */
static __always_inline const struct sluice_service_entry *
fast_path_service(const struct fast_path_packet *packet, const void *ip, bool v6)
{
	const void *destination = &((struct ipv6hdr *)ip)->daddr;

	if (v6)
		return service_listens(load64(destination), load64(destination + 8),
				       packet->address_sum, packet->listens);
	return service_listens(0, address_mapped(((struct iphdr *)ip)->daddr), packet->address_sum,
			       packet->listens);
}

static __always_inline enum fast_path_answer fast_path_parse_l4(struct fast_path_packet *packet,
								void *l4, void *end, __s32 l4_bytes,
								__u8 l4_proto)
{
	if (l4_proto == IPPROTO_TCP) {
		if (l4 + sizeof(struct tcphdr) > end || l4_bytes < (__s32)sizeof(struct tcphdr))
			return FAST_PATH_MISS;
		packet->tcp_flags = ((__u8 *)l4)[TCP_FLAGS_OFFSET];
	} else {
		if (l4_proto != IPPROTO_UDP || l4 + sizeof(struct udphdr) > end ||
		    l4_bytes < (__s32)sizeof(struct udphdr))
			return FAST_PATH_MISS;
		packet->tcp_flags = 0;
	}
	packet->ports = *(__u32 *)l4;
	packet->listens = service_word(((__be16 *)l4)[1], l4_proto);
	return FAST_PATH_HIT;
}

/*
 * Of the first eight bytes of an IPv4 header: version and length, and whether it is a fragment.
 * What they must be: version 4, no options, no fragment.
 */
static __always_inline __u64 fast_path_v4_word(__u8 version_and_length, __u16 fragment)
{
	const struct iphdr ip = {.frag_off = bpf_htons(fragment)};
	__u64 word;

	__builtin_memcpy(&word, &ip, sizeof(word));
	*(__u8 *)&word = version_and_length;
	return word;
}

static __always_inline enum fast_path_answer fast_path_parse_v4(struct fast_path_packet *packet,
								struct iphdr *ip, void *end)
{
	if ((void *)(ip + 1) > end)
		return FAST_PATH_MISS;
	packet->address_sum = address_hash_sum_v4(seed.words, ip->daddr);
	if (!service_may_have(packet->address_sum))
		return fast_path_not_ours();
	packet->ip_bytes = bpf_ntohs(ip->tot_len);
	if ((load64(ip) & fast_path_v4_word(0xff, IPV4_FRAGMENT)) != fast_path_v4_word(0x45, 0) ||
	    ip->ttl <= 1 || packet->ip_bytes > (__u64)(end - (void *)ip))
		return FAST_PATH_MISS;
	return fast_path_parse_l4(packet, ip + 1, end, packet->ip_bytes - (__u32)sizeof(*ip),
				  ip->protocol);
}

static __always_inline enum fast_path_answer fast_path_parse_v6(struct fast_path_packet *packet,
								struct ipv6hdr *ip, void *end)
{
	const __u32 *words = (const __u32 *)&ip->daddr;
	__u32 l4_bytes;

	if ((void *)(ip + 1) > end)
		return FAST_PATH_MISS;
	packet->address_sum =
		address_hash_sum_v6(seed.words, words[0], words[1], words[2], words[3]);
	if (!service_may_have(packet->address_sum))
		return fast_path_not_ours();
	l4_bytes = bpf_ntohs(ip->payload_len);
	if (*(__u8 *)ip >> 4 != 6 || ip->hop_limit <= 1 ||
	    l4_bytes > (__u64)(end - (void *)(ip + 1)))
		return FAST_PATH_MISS;
	packet->ip_bytes = l4_bytes + (__u32)sizeof(*ip);
	return fast_path_parse_l4(packet, ip + 1, end, l4_bytes, ip->nexthdr);
}

#endif
