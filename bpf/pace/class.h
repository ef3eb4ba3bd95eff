/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Classifies a packet in tc: its flow as the client's packets carry it, its service, its direction.
 * Looks into one level of IP in IP, because `steer` encapsulates. The rest of pace/ acts on the
 * result. Limits: fragments, and packets with more than SLUICE_IPV6_EXTENSIONS_MAX extension
 * headers, belong to no service.
 */
#ifndef SLUICE_PACE_CLASS_H
#define SLUICE_PACE_CLASS_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps/policies.h"
#include "pure/flow_reverse.h"
#include "sluice/flow.h"
#include "wire/headers.h"
#include "wire/ipv6_extensions.h"
#include "wire/mapped_address.h"
#include "wire/segment.h"
#include "wire/skb_cursor.h"

#define CLASS_IP_HEADERS_MAX 2 /* an outer one and the inner one */

struct pace_packet {
	struct sluice_flow flow;
	struct tcphdr tcp; /* if flow.l4_proto is TCP */
	__u32 service;	   /* 0: none */
	__u32 l4_offset;
	__u32 l4_bytes; /* of header and payload */
	bool to_service;
	bool ipv6;
};

/*
 * The ethertype of the next header. A device without a link layer (tun, wireguard) begins with the
 * IP header.
 */
static __always_inline bool class_link(struct cursor *cursor, __be16 *ethertype)
{
	struct ethhdr ethernet;
	struct vlan_tag tag;

	*ethertype = (__be16)cursor->skb->protocol;
	if (cursor_peek(cursor, &ethernet, sizeof(ethernet)) && ethernet.h_proto == *ethertype)
		cursor_skip(cursor, sizeof(ethernet));

	/* The first tag usually is in the metadata of the packet and not in its data. */
	for (int i = 0; i < VLAN_TAGS_MAX && ethertype_is_vlan(*ethertype); i++) {
		if (!cursor_read(cursor, &tag, sizeof(tag)))
			return false;
		*ethertype = tag.ethertype;
	}
	return true;
}

/*
 * The end of the packet, from the start of its IP header. A length field of 0 (`unstated`) is valid
 * in a GSO packet, which can be longer than the field can state.
 */
static __always_inline bool class_end(struct cursor *cursor, __u32 length, bool unstated)
{
	if (unstated)
		return cursor->skb->gso_segs > 0;
	if (cursor->offset + length > cursor->end)
		return false;
	cursor->end = cursor->offset + length;
	return true;
}

static __always_inline void class_map_v4(struct sluice_address *address, __be32 v4)
{
	address_map_v4((__be32 *)address->bytes, v4);
}

static __always_inline bool class_ipv4(struct cursor *cursor, struct pace_packet *packet)
{
	struct iphdr ip;
	__u32 header_bytes;

	if (!cursor_peek(cursor, &ip, sizeof(ip)) || ip.version != 4)
		return false;
	header_bytes = ip.ihl * 4;
	if (header_bytes < sizeof(ip) || (ip.frag_off & bpf_htons(IPV4_FRAGMENT)))
		return false;
	if (!class_end(cursor, bpf_ntohs(ip.tot_len), !ip.tot_len))
		return false;
	class_map_v4(&packet->flow.source, ip.saddr);
	class_map_v4(&packet->flow.destination, ip.daddr);
	packet->ipv6 = false;
	packet->flow.l4_proto = ip.protocol;
	return cursor_skip(cursor, header_bytes);
}

static __always_inline bool class_ipv6(struct cursor *cursor, struct pace_packet *packet)
{
	struct ipv6_extensions extensions = {};
	struct ipv6hdr ip;

	if (!cursor_peek(cursor, &ip, sizeof(ip)) || ip.version != 6)
		return false;
	if (!class_end(cursor, sizeof(ip) + bpf_ntohs(ip.payload_len), !ip.payload_len))
		return false;
	__builtin_memcpy(&packet->flow.source, &ip.saddr, sizeof(ip.saddr));
	__builtin_memcpy(&packet->flow.destination, &ip.daddr, sizeof(ip.daddr));
	packet->ipv6 = true;
	cursor_skip(cursor, sizeof(ip));
	extensions.l4_proto = ip.nexthdr;
	/* A fragment that is first and last at once is a whole packet (RFC 6946). */
	if (!ipv6_skip_extensions(cursor, &extensions, true) || extensions.fragment)
		return false;
	packet->flow.l4_proto = extensions.l4_proto;
	return true;
}

static __always_inline bool class_network(struct cursor *cursor, __be16 ethertype,
					  struct pace_packet *packet)
{
	for (int i = 0; i < CLASS_IP_HEADERS_MAX; i++) {
		if (ethertype == bpf_htons(ETH_P_IP)) {
			if (!class_ipv4(cursor, packet))
				return false;
		} else if (ethertype == bpf_htons(ETH_P_IPV6)) {
			if (!class_ipv6(cursor, packet))
				return false;
		} else {
			return false;
		}
		if (packet->flow.l4_proto == IPPROTO_IPIP)
			ethertype = bpf_htons(ETH_P_IP);
		else if (packet->flow.l4_proto == IPPROTO_IPV6)
			ethertype = bpf_htons(ETH_P_IPV6);
		else
			return true;
	}
	return false;
}

static __always_inline bool class_transport(struct cursor *cursor, struct pace_packet *packet)
{
	struct udphdr udp;

	packet->l4_offset = cursor->offset;
	packet->l4_bytes = cursor->end - cursor->offset;
	if (packet->flow.l4_proto == IPPROTO_TCP) {
		if (!cursor_peek(cursor, &packet->tcp, sizeof(packet->tcp)))
			return false;
		packet->flow.source_port = packet->tcp.source;
		packet->flow.destination_port = packet->tcp.dest;
		return segment_fits(&packet->tcp, packet->l4_bytes);
	}
	if (packet->flow.l4_proto == IPPROTO_UDP) {
		if (!cursor_peek(cursor, &udp, sizeof(udp)))
			return false;
		packet->flow.source_port = udp.source;
		packet->flow.destination_port = udp.dest;
		return true;
	}
	return false;
}

static __always_inline bool class_parse(struct __sk_buff *skb, struct pace_packet *packet)
{
	struct cursor cursor = cursor_begin(skb);
	__be16 ethertype;

	return class_link(&cursor, &ethertype) && class_network(&cursor, ethertype, packet) &&
	       class_transport(&cursor, packet);
}

/* The headers of an ordinary packet, in one piece. */
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

/* The end of the packet by its IP header, from the start of the frame. 0: not valid. */
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
 * The same as class_parse() for an ordinary packet, at a third of the cost: Ethernet, IP without
 * options or extension headers, TCP or UDP, all in the linear part of the packet. False:
 * class_parse has to decide; it overwrites what is in `packet` by then.
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
		if (!ipv4_is_plain(&v4->ip))
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

static __always_inline __u32 class_service(const struct sluice_address *address, __be16 port,
					   __u8 l4_proto)
{
	struct sluice_endpoint endpoint = {.address = *address, .port = port, .l4_proto = l4_proto};

	return endpoint_service(&endpoint);
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
	*flow = flow_reverse(flow);
	return true;
}

/*
 * False: no service's packet. `packet` begins zeroed. `leaves`: an egress hook, where most packets
 * go to clients; it sets the order of the two lookups and changes nothing but the cost.
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
