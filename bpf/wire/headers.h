/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Protocol headers: the constants and layouts that the kernel's headers lack, and the decisions
 * that all parsers share. Nothing here accesses a packet.
 */
#ifndef SLUICE_WIRE_HEADERS_H
#define SLUICE_WIRE_HEADERS_H

#include <stdbool.h>

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wire/mapped_address.h"

/* More tags pass as not IP. */
#define VLAN_TAGS_MAX 2

/* IEEE 802.1Q, 3.5, without the ethertype that announces it. */
struct vlan_tag {
	__be16 tci;
	__be16 ethertype;
};

static __always_inline bool ethertype_is_vlan(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV4_FRAGMENT (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)
#define IPV6_MORE_FRAGMENTS 0x0001
#define IPV6_FRAGMENT_OFFSET 0xfff8
#define IPV6_FRAGMENT (IPV6_MORE_FRAGMENTS | IPV6_FRAGMENT_OFFSET)

/* The first eight bytes of an IPv4 header with these fields, all others 0. */
static __always_inline __u64 ipv4_first_bytes(__u8 version_and_length, __u16 fragment)
{
	const struct iphdr ip = {.frag_off = bpf_htons(fragment)};
	__u64 word;

	__builtin_memcpy(&word, &ip, sizeof(word));
	*(__u8 *)&word = version_and_length;
	return word;
}

/* Version 4, 20 bytes long (no options), no fragment. One comparison for all three. */
static __always_inline bool ipv4_is_plain(const struct iphdr *ip)
{
	return (load64(ip) & ipv4_first_bytes(0xff, IPV4_FRAGMENT)) == ipv4_first_bytes(0x45, 0);
}

/*
 * The flags byte of a TCP header (RFC 9293, 3.1). In one piece, because clang turns tests of
 * several bit fields into one load each.
 */
#define TCP_FLAGS_OFFSET 13
#define TCP_FLAGS_FIN 0x01
#define TCP_FLAGS_SYN 0x02
#define TCP_FLAGS_RST 0x04
#define TCP_FLAGS_ACK 0x10

static __always_inline __u8 tcp_flags(const void *tcp)
{
	return ((const __u8 *)tcp)[TCP_FLAGS_OFFSET];
}

/* A SYN without ACK or RST: the first segment of a connection. */
static __always_inline bool tcp_opens(__u32 flags)
{
	return (flags & (TCP_FLAGS_SYN | TCP_FLAGS_RST | TCP_FLAGS_ACK)) == TCP_FLAGS_SYN;
}

/* RFC 792 and RFC 4443. <linux/icmp.h> needs the headers of the C library. */
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
#define ICMP_QUOTED_L4_BYTES 8 /* RFC 792: no error quotes less */

/*
 * Generic UDP Encapsulation (draft-ietf-intarea-gue-09): variant 0 has a header of its own after
 * the UDP header, variant 1 has none. Written by `steer`, read by `decap` and by Linux's fou.
 */
#define GUE_BYTES 4	   /* variant 0, without options */
#define GUE_PROTO_OFFSET 1 /* in it: the inner protocol */

#endif
