// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * handover, at tc ingress of every device that steer is on: takes the packets that steer handed to
 * the stack and sends them out through the stack's own neighbour tables and tc. That resolves a
 * next hop whose MAC nobody knows yet, and lets `pace` see the packets of a service with a policy.
 *
 * It knows them by a source MAC that only this instance knows. Passing them up the stack instead
 * would need accept_local and no rp_filter: their source is the director's own address.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "count.h"

#define FAMILY_V4 2  /* AF_INET */
#define FAMILY_V6 10 /* AF_INET6 */

/* As in steer/conclude.h; set at load time. */
const volatile __u64 handover_mac = 0;

/* The device that the packet leaves by; 0: there is no route. */
static __always_inline __u32 handover_ifindex(struct __sk_buff *skb, struct ethhdr *eth)
{
	struct bpf_fib_lookup fib = {.ifindex = skb->ingress_ifindex};
	void *data_end = (void *)(long)skb->data_end;
	long found;

	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > data_end)
			return 0;
		fib.family = FAMILY_V4;
		fib.ipv4_src = ip->saddr;
		fib.ipv4_dst = ip->daddr;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > data_end)
			return 0;
		fib.family = FAMILY_V6;
		__builtin_memcpy(fib.ipv6_src, &ip->saddr, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, &ip->daddr, sizeof(fib.ipv6_dst));
	} else {
		return 0;
	}
	found = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	/* Where the neighbour is missing the kernel has named the device all the same. */
	return found == BPF_FIB_LKUP_RET_SUCCESS || found == BPF_FIB_LKUP_RET_NO_NEIGH ? fib.ifindex
										       : 0;
}

SEC("tc")
int handover(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	__u64 mac = 0;
	__u32 ifindex;

	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return TC_ACT_UNSPEC;
	__builtin_memcpy(&mac, eth->h_source, ETH_ALEN);
	if (mac != handover_mac)
		return TC_ACT_UNSPEC;
	ifindex = handover_ifindex(skb, eth);
	if (!ifindex) {
		count_verdict(0, SLUICE_VERDICT_NOT_SENT_ON, skb->len);
		return TC_ACT_SHOT;
	}
	count_verdict(0, SLUICE_VERDICT_HANDED_OVER, skb->len);
	return bpf_redirect_neigh(ifindex, NULL, 0, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
