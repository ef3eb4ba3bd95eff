/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose packet it is: its flow as the client's packets carry it, its service, its direction. Looks
 * into one level of IP in IP, for what steer encapsulated. Neighbours: window and departure, which
 * act on what is found here.
 * Reads by offset where it must: a packet in tc may lie in pieces. Limits: fragments and what
 * has more than SLUICE_IPV6_EXTENSIONS_MAX extension headers are nobody's.
 */
#ifndef SLUICE_PACE_CLASS_H
#define SLUICE_PACE_CLASS_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wire/mapped_address.h"
#include "maps/policies.h"
#include "sluice/flow.h"

#define CLASS_VLAN_TAGS_MAX 2
#define CLASS_IP_HEADERS_MAX 2	   /* an outer one and the inner one */
#define CLASS_IPV4_FRAGMENT 0x3fff /* "more fragments", or an offset */
#define CLASS_IPV6_FRAGMENT 0xfff9 /* an offset, or "more fragments" */

struct pace_packet {
	struct sluice_flow flow;
	struct tcphdr tcp; /* where flow.l4_proto is TCP */
	__u32 service;	   /* 0: none */
	__u32 l4_offset;
	__u32 l4_bytes; /* of header and payload */
	bool to_service;
	bool ipv6;
};

/* Where the parser stands, what comes next there, and where the packet ends, padding left out. */
struct class_cursor {
	__u32 offset;
	__u32 end;
	__be16 ethertype;
	__u8 l4_proto;
};

static __always_inline bool class_read(struct __sk_buff *skb, const struct class_cursor *cursor,
				       void *to, __u32 length)
{
	return cursor->offset + length <= cursor->end &&
	       !bpf_skb_load_bytes(skb, cursor->offset, to, length);
}

static __always_inline bool class_is_vlan(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

/* A device without a link layer (tun, wireguard) begins with the IP header. */
static __always_inline bool class_link(struct __sk_buff *skb, struct class_cursor *cursor)
{
	struct ethhdr ethernet;
	struct {
		__be16 tci;
		__be16 ethertype;
	} tag;
	int i;

	cursor->ethertype = (__be16)skb->protocol;
	if (class_read(skb, cursor, &ethernet, sizeof(ethernet)) &&
	    ethernet.h_proto == cursor->ethertype)
		cursor->offset = sizeof(ethernet);

	/* Mostly the first tag is not in the data, but in the packet's metadata. */
	for (i = 0; i < CLASS_VLAN_TAGS_MAX && class_is_vlan(cursor->ethertype); i++) {
		if (!class_read(skb, cursor, &tag, sizeof(tag)))
			return false;
		cursor->offset += sizeof(tag);
		cursor->ethertype = tag.ethertype;
	}
	return true;
}

/* A length of 0 belongs to a packet that is yet to be segmented and is longer than it can say. */
static __always_inline bool class_end(struct __sk_buff *skb, struct class_cursor *cursor,
				      __u32 length, bool unsaid)
{
	if (unsaid)
		return skb->gso_segs > 0;
	if (cursor->offset + length > cursor->end)
		return false;
	cursor->end = cursor->offset + length;
	return true;
}

static __always_inline void class_map_v4(struct sluice_address *address, __be32 v4)
{
	address_map_v4((__be32 *)address->bytes, v4);
}

static __always_inline bool class_ipv4(struct __sk_buff *skb, struct class_cursor *cursor,
				       struct pace_packet *packet)
{
	struct iphdr ip;
	__u32 header_length;

	if (!class_read(skb, cursor, &ip, sizeof(ip)) || ip.version != 4)
		return false;
	header_length = ip.ihl * 4;
	if (header_length < sizeof(ip) || (ip.frag_off & bpf_htons(CLASS_IPV4_FRAGMENT)))
		return false;
	if (!class_end(skb, cursor, bpf_ntohs(ip.tot_len), !ip.tot_len))
		return false;
	class_map_v4(&packet->flow.source, ip.saddr);
	class_map_v4(&packet->flow.destination, ip.daddr);
	packet->ipv6 = false;
	cursor->offset += header_length;
	cursor->l4_proto = ip.protocol;
	return true;
}

static __always_inline bool class_ipv6_extensions(struct __sk_buff *skb,
						  struct class_cursor *cursor)
{
	struct {
		__u8 next;
		__u8 length;	 /* in units of 8 bytes, the first one not counted */
		__be16 fragment; /* of a fragment header: offset and "more" */
	} header;
	int i;

	/* Unrolled: Linux 6.1 refuses a loop's back edge that falls through, as clang lays it here.
	 */
#pragma clang loop unroll(full)
	for (i = 0; i <= SLUICE_IPV6_EXTENSIONS_MAX; i++) {
		if (cursor->l4_proto != IPPROTO_HOPOPTS && cursor->l4_proto != IPPROTO_ROUTING &&
		    cursor->l4_proto != IPPROTO_DSTOPTS && cursor->l4_proto != IPPROTO_FRAGMENT)
			return true;
		if (i == SLUICE_IPV6_EXTENSIONS_MAX ||
		    !class_read(skb, cursor, &header, sizeof(header)))
			return false;
		if (cursor->l4_proto == IPPROTO_FRAGMENT) {
			/* One that is its own first and last fragment is whole (RFC 6946). */
			if (header.fragment & bpf_htons(CLASS_IPV6_FRAGMENT))
				return false;
			header.length = 0;
		}
		cursor->offset += (header.length + 1) * 8;
		cursor->l4_proto = header.next;
	}
	return false;
}

static __always_inline bool class_ipv6(struct __sk_buff *skb, struct class_cursor *cursor,
				       struct pace_packet *packet)
{
	struct ipv6hdr ip;

	if (!class_read(skb, cursor, &ip, sizeof(ip)) || ip.version != 6)
		return false;
	if (!class_end(skb, cursor, sizeof(ip) + bpf_ntohs(ip.payload_len), !ip.payload_len))
		return false;
	__builtin_memcpy(&packet->flow.source, &ip.saddr, sizeof(ip.saddr));
	__builtin_memcpy(&packet->flow.destination, &ip.daddr, sizeof(ip.daddr));
	packet->ipv6 = true;
	cursor->offset += sizeof(ip);
	cursor->l4_proto = ip.nexthdr;
	return class_ipv6_extensions(skb, cursor);
}

static __always_inline bool class_network(struct __sk_buff *skb, struct class_cursor *cursor,
					  struct pace_packet *packet)
{
	int i;

	for (i = 0; i < CLASS_IP_HEADERS_MAX; i++) {
		if (cursor->ethertype == bpf_htons(ETH_P_IP)) {
			if (!class_ipv4(skb, cursor, packet))
				return false;
		} else if (cursor->ethertype == bpf_htons(ETH_P_IPV6)) {
			if (!class_ipv6(skb, cursor, packet))
				return false;
		} else {
			return false;
		}
		if (cursor->l4_proto == IPPROTO_IPIP)
			cursor->ethertype = bpf_htons(ETH_P_IP);
		else if (cursor->l4_proto == IPPROTO_IPV6)
			cursor->ethertype = bpf_htons(ETH_P_IPV6);
		else
			return true;
	}
	return false;
}

static __always_inline bool class_transport(struct __sk_buff *skb, struct class_cursor *cursor,
					    struct pace_packet *packet)
{
	struct udphdr udp;

	packet->l4_offset = cursor->offset;
	packet->l4_bytes = cursor->end - cursor->offset;
	packet->flow.l4_proto = cursor->l4_proto;
	if (cursor->l4_proto == IPPROTO_TCP) {
		if (!class_read(skb, cursor, &packet->tcp, sizeof(packet->tcp)))
			return false;
		packet->flow.source_port = packet->tcp.source;
		packet->flow.destination_port = packet->tcp.dest;
		return packet->tcp.doff * 4 >= sizeof(packet->tcp) &&
		       cursor->offset + packet->tcp.doff * 4 <= cursor->end;
	}
	if (cursor->l4_proto == IPPROTO_UDP) {
		if (!class_read(skb, cursor, &udp, sizeof(udp)))
			return false;
		packet->flow.source_port = udp.source;
		packet->flow.destination_port = udp.dest;
		return true;
	}
	return false;
}

static __always_inline __u32 class_service(const struct sluice_address *address, __be16 port,
					   __u8 l4_proto)
{
	struct sluice_endpoint endpoint = {.address = *address, .port = port, .l4_proto = l4_proto};

	return endpoint_service(&endpoint);
}

static __always_inline void class_reverse(struct sluice_flow *flow)
{
	struct sluice_address address = flow->source;
	__be16 port = flow->source_port;

	flow->source = flow->destination;
	flow->source_port = flow->destination_port;
	flow->destination = address;
	flow->destination_port = port;
}

/* What a plain packet begins with, in one piece. */
struct class_fast_v4 {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

struct class_fast_v6 {
	struct ethhdr ethernet;
	struct ipv6hdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

#define CLASS_FAST_IPV4 0x45 /* version 4, no options */

/* The end of the packet as its IP header says it, from the frame's start on; 0: it does not. */
static __always_inline __u32 class_fast_end(struct __sk_buff *skb, __u32 ip_offset, __u32 length)
{
	if (!length)
		return skb->gso_segs > 0 ? skb->len : 0;
	return ip_offset + length <= skb->len ? ip_offset + length : 0;
}

static __always_inline bool class_fast_l4(struct pace_packet *packet, const struct tcphdr *tcp,
					  __u8 l4_proto, __u32 offset, __u32 end)
{
	packet->l4_offset = offset;
	packet->l4_bytes = end - offset;
	packet->flow.l4_proto = l4_proto;
	packet->flow.source_port = tcp->source;
	packet->flow.destination_port = tcp->dest;
	if (l4_proto == IPPROTO_UDP)
		return offset + sizeof(struct udphdr) <= end;
	if (l4_proto != IPPROTO_TCP)
		return false;
	packet->tcp = *tcp;
	return tcp->doff * 4 >= sizeof(*tcp) && offset + tcp->doff * 4 <= end;
}

/*
 * The same for a packet of the most usual kind, a third of the cost: Ethernet, IP without options
 * or extension headers, TCP or UDP, all of it where it can be read by pointer. False: to be looked
 * at with care; whatever is in `packet` by then is written over.
 */
static __always_inline bool class_fast(struct __sk_buff *skb, struct pace_packet *packet)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct class_fast_v4 *v4 = data;
	struct class_fast_v6 *v6 = data;
	__u32 end;

	if ((void *)(v4 + 1) > data_end || v4->ethernet.h_proto != (__be16)skb->protocol)
		return false;
	if (v4->ethernet.h_proto == bpf_htons(ETH_P_IP)) {
		if (*(__u8 *)&v4->ip != CLASS_FAST_IPV4 ||
		    (v4->ip.frag_off & bpf_htons(CLASS_IPV4_FRAGMENT)))
			return false;
		end = class_fast_end(skb, sizeof(v4->ethernet), bpf_ntohs(v4->ip.tot_len));
		class_map_v4(&packet->flow.source, v4->ip.saddr);
		class_map_v4(&packet->flow.destination, v4->ip.daddr);
		packet->ipv6 = false;
		return class_fast_l4(packet, &v4->tcp, v4->ip.protocol,
				     offsetof(struct class_fast_v4, tcp), end);
	}
	if (v4->ethernet.h_proto != bpf_htons(ETH_P_IPV6) || (void *)(v6 + 1) > data_end ||
	    v6->ip.version != 6)
		return false;
	end = v6->ip.payload_len ? sizeof(v6->ip) + bpf_ntohs(v6->ip.payload_len) : 0;
	end = class_fast_end(skb, sizeof(v6->ethernet), end);
	__builtin_memcpy(&packet->flow.source, &v6->ip.saddr, sizeof(v6->ip.saddr));
	__builtin_memcpy(&packet->flow.destination, &v6->ip.daddr, sizeof(v6->ip.daddr));
	packet->ipv6 = true;
	return class_fast_l4(packet, &v6->tcp, v6->ip.nexthdr, offsetof(struct class_fast_v6, tcp),
			     end);
}

static __always_inline bool class_parse(struct __sk_buff *skb, struct pace_packet *packet)
{
	struct class_cursor cursor = {.end = skb->len};

	return class_link(skb, &cursor) && class_network(skb, &cursor, packet) &&
	       class_transport(skb, &cursor, packet);
}

static __always_inline bool class_is_to_service(struct pace_packet *packet)
{
	const struct sluice_flow *flow = &packet->flow;

	packet->service = class_service(&flow->destination, flow->destination_port, flow->l4_proto);
	packet->to_service = packet->service != 0;
	return packet->to_service;
}

static __always_inline bool class_is_to_client(struct pace_packet *packet)
{
	struct sluice_flow *flow = &packet->flow;

	packet->service = class_service(&flow->source, flow->source_port, flow->l4_proto);
	if (!packet->service)
		return false;
	packet->to_service = false;
	class_reverse(flow);
	return true;
}

/*
 * False: nobody's. `packet` begins zeroed. `leaves`: mostly it is to a client, and to a service
 * otherwise; which is looked for first matters to the cost alone.
 */
static __always_inline bool class_find(struct __sk_buff *skb, struct pace_packet *packet,
				       const bool leaves)
{
	if (!class_fast(skb, packet) && !class_parse(skb, packet))
		return false;
	if (leaves)
		return class_is_to_client(packet) || class_is_to_service(packet);
	return class_is_to_service(packet) || class_is_to_client(packet);
}

#endif
