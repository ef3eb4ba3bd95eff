// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * At tc ingress of a client's device: logs the arrival of each packet of a service, so that every
 * gap is known. Read by tools/benchmark/pace.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "arrivals.h"

const volatile __be16 arrivals_port = 0; /* of the service */
const volatile bool arrivals_drop = false;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ARRIVALS_MAX);
	__type(key, __u32);
	__type(value, struct arrival);
} arrivals SEC(".maps");

/* All arrivals, including those after the log is full. */
__u64 arrivals_seen = 0;

struct ports {
	__be16 source;
	__be16 destination;
};

/* Offset of the transport header; 0: not IP. */
static __always_inline __u32 transport_find(struct __sk_buff *skb, __u8 *l4_proto, __u16 *address)
{
	struct ipv6hdr ipv6;
	struct iphdr ip;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
			return 0;
		*l4_proto = ip.protocol;
		*address = ip.daddr >> 16;
		return ETH_HLEN + ip.ihl * 4;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ipv6, sizeof(ipv6)))
			return 0;
		*l4_proto = ipv6.nexthdr;
		*address = ipv6.daddr.in6_u.u6_addr16[7];
		return ETH_HLEN + sizeof(ipv6);
	}
	return 0;
}

static __always_inline __u32 header_bytes(struct __sk_buff *skb, __u32 l4_offset, __u8 l4_proto)
{
	__u8 data_offset = 0;

	if (l4_proto != IPPROTO_TCP)
		return l4_offset + 8;
	bpf_skb_load_bytes(skb, l4_offset + 12, &data_offset, sizeof(data_offset));
	return l4_offset + (data_offset >> 4) * 4;
}

SEC("tc")
int arrivals_log(struct __sk_buff *skb)
{
	__u32 l4_offset, header, index;
	struct arrival *arrival;
	struct ports ports;
	__u8 l4_proto = 0;
	__u16 address = 0;

	l4_offset = transport_find(skb, &l4_proto, &address);
	if (!l4_offset || (l4_proto != IPPROTO_TCP && l4_proto != IPPROTO_UDP) ||
	    bpf_skb_load_bytes(skb, l4_offset, &ports, sizeof(ports)) ||
	    ports.source != arrivals_port)
		return TC_ACT_UNSPEC;
	index = __sync_fetch_and_add(&arrivals_seen, 1);
	arrival = bpf_map_lookup_elem(&arrivals, &index);
	if (arrival) {
		header = header_bytes(skb, l4_offset, l4_proto);
		arrival->at_ns = bpf_ktime_get_ns();
		arrival->flow = (__u32)address << 16 | ports.destination;
		arrival->segments = skb->gso_segs > 1 ? skb->gso_segs : 1;
		arrival->bytes = skb->len + (arrival->segments - 1) * header;
	}
	return arrivals_drop ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
