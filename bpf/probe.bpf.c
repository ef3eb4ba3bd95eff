// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * probe, at tc of a director's devices: gives the health checks of `sluice run` the path of a
 * client's packet. The socket of a check is connected to the backend's own address, so that the
 * kernel finds the route, and is marked with the backend's number (sluice/probe.h).
 *
 *	egress	director -> backend	becomes	director -> service, in the backend's outer headers
 *	ingress	service -> director	becomes	backend -> director
 *
 * A check thereby covers the server's decapsulation, the service's address on it, and the process
 * that listens there. Ports do not change. Only for backends of the service's own family. All other
 * packets pass untouched, marked or not.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps/backends.h"
#include "maps/probes.h"
#include "sluice/flow.h"
#include "sluice/probe.h"
#include "wire/encap.h"
#include "wire/headers.h"

#define PROBE_PULLED_BYTES 128 /* headers of all layers */

/* The packet of a check: Ethernet, IP without options, TCP or UDP. */
struct probe_packet {
	struct sluice_address source;
	struct sluice_address destination;
	__be16 source_port;
	__be16 destination_port;
	__u32 l4_offset;
	__u8 l4_proto;
	bool v6;
};

static __always_inline bool probe_parse(struct __sk_buff *skb, struct probe_packet *packet)
{
	struct ethhdr *eth;
	void *end;
	__be16 *ports;

	if (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_IPV6))
		return false;
	bpf_skb_pull_data(skb, skb->len < PROBE_PULLED_BYTES ? skb->len : PROBE_PULLED_BYTES);
	eth = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	packet->v6 = skb->protocol == bpf_htons(ETH_P_IPV6);
	if (packet->v6) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return false;
		__builtin_memcpy(&packet->source, &ip->saddr, sizeof(packet->source));
		__builtin_memcpy(&packet->destination, &ip->daddr, sizeof(packet->destination));
		packet->l4_proto = ip->nexthdr;
		packet->l4_offset = sizeof(*eth) + sizeof(*ip);
	} else {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end || !ipv4_is_plain(ip))
			return false;
		packet->source = address_of(0, address_mapped(ip->saddr));
		packet->destination = address_of(0, address_mapped(ip->daddr));
		packet->l4_proto = ip->protocol;
		packet->l4_offset = sizeof(*eth) + sizeof(*ip);
	}
	if (packet->l4_proto != IPPROTO_TCP && packet->l4_proto != IPPROTO_UDP)
		return false;
	ports = (void *)eth + packet->l4_offset;
	if ((void *)(ports + 2) > end)
		return false;
	packet->source_port = ports[0];
	packet->destination_port = ports[1];
	return true;
}

static __always_inline bool probe_same(const struct sluice_address *a,
				       const struct sluice_address *b)
{
	return address_high(a) == address_high(b) && address_low(a) == address_low(b);
}

static __always_inline bool probe_is_v4(const struct sluice_address *address)
{
	return address_halves_are_v4(address_high(address), address_low(address));
}

/* Replaces one of the packet's addresses and updates both checksums. */
static __always_inline bool probe_readdress(struct __sk_buff *skb,
					    const struct probe_packet *packet, bool source,
					    const struct sluice_address *from,
					    const struct sluice_address *to)
{
	const __u32 l3 = sizeof(struct ethhdr);
	const bool udp = packet->l4_proto == IPPROTO_UDP;
	const __u32 check = packet->l4_offset +
			    (udp ? offsetof(struct udphdr, check) : offsetof(struct tcphdr, check));
	const __u64 flags = BPF_F_PSEUDO_HDR | (udp ? BPF_F_MARK_MANGLED_0 : 0);
	__u32 offset;

	if (packet->v6) {
		__s64 difference =
			bpf_csum_diff((__be32 *)from, sizeof(*from), (__be32 *)to, sizeof(*to), 0);

		offset = l3 + (source ? offsetof(struct ipv6hdr, saddr)
				      : offsetof(struct ipv6hdr, daddr));
		return !bpf_l4_csum_replace(skb, check, 0, (__u64)difference, flags) &&
		       !bpf_skb_store_bytes(skb, offset, to, sizeof(*to), 0);
	}
	offset = l3 + (source ? offsetof(struct iphdr, saddr) : offsetof(struct iphdr, daddr));
	return !bpf_l4_csum_replace(skb, check, *(__u32 *)((void *)from + 12),
				    *(__u32 *)((void *)to + 12), flags | sizeof(__be32)) &&
	       !bpf_l3_csum_replace(skb, l3 + offsetof(struct iphdr, check),
				    *(__u32 *)((void *)from + 12), *(__u32 *)((void *)to + 12),
				    sizeof(__be32)) &&
	       !bpf_skb_store_bytes(skb, offset, (void *)to + 12, sizeof(__be32), 0);
}

/* Adds the backend's outer headers before the packet's IP header. */
static __always_inline bool probe_encapsulate(struct __sk_buff *skb,
					      const struct sluice_outer *outer, bool v6, __u32 hash)
{
	const __u32 ip_bytes = skb->len - (__u32)sizeof(struct ethhdr);
	__u64 flags = v6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;
	void *l3, *end;

	if (!outer->length)
		return true;
	if (outer->length > outer->ip_bytes)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	if (bpf_skb_adjust_room(skb, outer->length, BPF_ADJ_ROOM_MAC, flags))
		return false;
	bpf_skb_pull_data(skb, sizeof(struct ethhdr) + SLUICE_OUTER_BYTES);
	l3 = (void *)(long)skb->data + sizeof(struct ethhdr);
	end = (void *)(long)skb->data_end;
	if (l3 + SLUICE_OUTER_BYTES > end)
		return false;
	return v6 ? encap_fill_v6(l3, end, outer, outer->length, true, ip_bytes, hash)
		  : encap_fill_v4(l3, end, outer, outer->length, false, ip_bytes, hash);
}

SEC("tc")
int probe_egress(struct __sk_buff *skb)
{
	__u32 backend = skb->mark & SLUICE_PROBE_BACKEND;
	struct probe_packet packet = {};
	struct sluice_backend *record;
	struct sluice_flow flow = {};

	if ((skb->mark & ~SLUICE_PROBE_BACKEND) != SLUICE_PROBE_MARK)
		return TC_ACT_UNSPEC;
	record = bpf_map_lookup_elem(&backends, &backend);
	if (!record || !backend || !probe_parse(skb, &packet) ||
	    !probe_same(&packet.destination, &record->address) ||
	    probe_is_v4(&record->service_address) == packet.v6)
		return TC_ACT_UNSPEC;
	flow.source = packet.source;
	flow.destination = record->service_address;
	flow.source_port = packet.source_port;
	flow.destination_port = packet.destination_port;
	flow.l4_proto = packet.l4_proto;
	if (bpf_map_update_elem(&probes, &flow, &backend, BPF_ANY) ||
	    !probe_readdress(skb, &packet, false, &packet.destination, &flow.destination) ||
	    !probe_encapsulate(skb, &record->outer, packet.v6, (__u32)packet.source_port << 16))
		return TC_ACT_SHOT; /* the check fails by its time-out */
	return TC_ACT_UNSPEC;
}

SEC("tc")
int probe_ingress(struct __sk_buff *skb)
{
	struct probe_packet packet = {};
	struct sluice_backend *record;
	struct sluice_flow flow = {};
	__u32 *backend;
	__u32 number;

	if (!probe_parse(skb, &packet))
		return TC_ACT_UNSPEC;
	flow.source = packet.destination;
	flow.destination = packet.source;
	flow.source_port = packet.destination_port;
	flow.destination_port = packet.source_port;
	flow.l4_proto = packet.l4_proto;
	backend = bpf_map_lookup_elem(&probes, &flow);
	if (!backend)
		return TC_ACT_UNSPEC;
	number = *backend;
	record = bpf_map_lookup_elem(&backends, &number);
	if (!record)
		return TC_ACT_UNSPEC;
	if (!probe_readdress(skb, &packet, true, &packet.source, &record->address))
		return TC_ACT_SHOT;
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
