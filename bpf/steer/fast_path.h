/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parser and the lookups of the fast path: a TCP or UDP packet of a settled service, without
 * tag, option, extension header or fragment. It keeps as few values as the rest of the path needs,
 * and computes some of them late, to save registers. Any other packet is a FAST_PATH_MISS and takes
 * the slow path (program `steer_slow`), which handles every packet: a miss costs time, never a
 * packet.
 */
#ifndef SLUICE_STEER_FAST_PATH_H
#define SLUICE_STEER_FAST_PATH_H

#include "pure/hash.h"
#include "steer/service_lookup.h"
#include "wire/headers.h"

enum fast_path_answer {
	FAST_PATH_HIT,
	FAST_PATH_MISS, /* the slow path decides */
	FAST_PATH_PASS, /* pass: not for a service */
};

struct fast_path_packet {
	__u64 address_sum; /* of the destination (pure/hash.h) */
	__u32 ports;	   /* source and destination, in packet order */
	__u32 listens;	   /* service_word() of the destination */
	__u32 ip_bytes;
	__u32 tcp_flags; /* 0: UDP */
};

/* The destination is no service. The packet may be a reply of mode nat, known by its source. */
static __always_inline enum fast_path_answer fast_path_not_ours(void)
{
	return address_filter.features & SLUICE_FEATURE_NAT ? FAST_PATH_MISS : FAST_PATH_PASS;
}

/* Computed once the service is known: before, the sum would only occupy registers. */
static __always_inline __u32 fast_path_flow_hash(const void *ip, bool v6, __u32 ports)
{
	if (v6)
		return flow_hash_v6(seed.words, (const __u32 *)&((struct ipv6hdr *)ip)->saddr,
				    ports);
	return flow_hash_v4(seed.words, ((struct iphdr *)ip)->saddr, ports);
}

/* Loads the address again, to keep no registers for it. */
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
		packet->tcp_flags = tcp_flags(l4);
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

static __always_inline enum fast_path_answer fast_path_parse_v4(struct fast_path_packet *packet,
								struct iphdr *ip, void *end)
{
	if ((void *)(ip + 1) > end)
		return FAST_PATH_MISS;
	packet->address_sum = address_hash_sum_v4(seed.words, ip->daddr);
	if (!service_may_have(packet->address_sum))
		return fast_path_not_ours();
	packet->ip_bytes = bpf_ntohs(ip->tot_len);
	if (!ipv4_is_plain(ip) || ip->ttl <= 1 || packet->ip_bytes > (__u64)(end - (void *)ip))
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
