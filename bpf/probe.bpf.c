// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * probe, at tc of a director's devices: lets the checks of `sluice run` travel as a client's
 *packets do. A check's socket is connected to the backend's own address, so that the kernel finds
 *the way there, and is marked with the backend's number (sluice/probe.h).
 *
 *	out	us -> backend		becomes	us -> service, in the backend's outer headers
 *	in	service -> us		becomes	backend -> us
 *
 * so that what is checked is what serves: the decapsulation there, the service's address on it, and
 * whoever listens at that. Ports stay as they are. Only for backends of the service's own family;
 * whatever else is marked passes untouched, as does everything that is not.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps/probes.h"
#include "sluice/probe.h"
#include "steer/backend.h"
#include "steer/encap.h"

#define PROBE_PULLED 128 /* bytes: headers of all layers */

/* Where things are in a packet of ours: Ethernet, IP without options, TCP or UDP. */
struct probe_packet {
	struct sluice_address source;
	struct sluice_address destination;
	__be16 source_port;
	__be16 destination_port;
	__u32 l4_offset;
	__u8 l4_proto;
	bool v6;
};

static __always_inline void probe_map_v4(struct sluice_address *address, __be32 v4)
{
	__u64 low = address_mapped(v4);

	__builtin_memset(address, 0, 8);
	__builtin_memcpy((void *)address + 8, &low, 8);
}

static __always_inline bool probe_parse(struct __sk_buff *skb, struct probe_packet *packet)
{
	struct ethhdr *eth;
	void *end;
	__be16 *ports;

	if (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_IPV6))
		return false;
	bpf_skb_pull_data(skb, skb->len < PROBE_PULLED ? skb->len : PROBE_PULLED);
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

		if ((void *)(ip + 1) > end || ip->ihl != 5 ||
		    ip->frag_off & bpf_htons(IPV4_FRAGMENT))
			return false;
		probe_map_v4(&packet->source, ip->saddr);
		probe_map_v4(&packet->destination, ip->daddr);
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
	return address_high(address) == 0 &&
	       (__u32)address_low(address) == (__u32)address_mapped(0);
}

/* Puts `to` in the place of one of the packet's addresses, and into both checksums. */
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

/* The backend's outer headers, in front of the packet's IP header. */
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
		return TC_ACT_SHOT; /* a check of ours, which is told by its time-out */
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
