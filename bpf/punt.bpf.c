// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * punt, at tc ingress of every device that steer is attached to: takes the packets that steer
 * punted to the stack, and sends them with the stack's own neighbour tables and through tc. That
 * resolves a next hop whose MAC is not known yet, and lets `pace` see the packets of a service with
 * a policy.
 *
 * The mark of a punted packet is a source MAC that only this instance knows. Without punt these
 * packets would have to be routed by the stack, which needs accept_local and no rp_filter, because
 * their source is an address of the director itself.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps/backends.h"
#include "maps/verdicts.h"
#include "steer/fib.h"
#include "wire/headers.h"

/* As in steer/transmit.h; set at load time. */
const volatile __u64 punt_mac = 0;

/* The path to the packet's destination or, if `backend` is not 0, to that backend. */
static __always_inline bool punt_fill(struct __sk_buff *skb, struct ethhdr *eth, __u32 backend,
				      struct bpf_fib_lookup *fib)
{
	void *data_end = (void *)(long)skb->data_end;

	fib->ifindex = skb->ingress_ifindex;
	if (backend) {
		const struct sluice_backend *record = bpf_map_lookup_elem(&backends, &backend);

		if (!record)
			return false;
		fib_fill(fib, address_high(&record->source), address_low(&record->source),
			 address_high(&record->address), address_low(&record->address));
	} else if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > data_end)
			return false;
		fib_fill(fib, 0, address_mapped(ip->saddr), 0, address_mapped(ip->daddr));
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > data_end)
			return false;
		fib_fill(fib, load64(&ip->saddr), load64((void *)&ip->saddr + 8),
			 load64(&ip->daddr), load64((void *)&ip->daddr + 8));
	} else {
		return false;
	}
	return true;
}

/* Mode l2: the IP header does not name the backend, which itself is the next hop. */
static __always_inline int punt_to_backend(const struct bpf_fib_lookup *fib)
{
	struct bpf_redir_neigh next = {.nh_family = fib->family};

	if (fib->family == FAMILY_V4)
		next.ipv4_nh = fib->ipv4_dst;
	else
		__builtin_memcpy(next.ipv6_nh, fib->ipv6_dst, sizeof(next.ipv6_nh));
	return bpf_redirect_neigh(fib->ifindex, &next, sizeof(next), 0);
}

SEC("tc")
int punt(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	struct bpf_fib_lookup fib = {};
	__u32 backend = 0;
	__u64 mac = 0;
	long found;

	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return TC_ACT_UNSPEC;
	__builtin_memcpy(&mac, eth->h_source, ETH_ALEN);
	if (mac != punt_mac)
		return TC_ACT_UNSPEC;
	/* Written by transmit_punt(). */
	__builtin_memcpy(&backend, eth->h_dest + 2, sizeof(backend));
	found = punt_fill(skb, eth, backend, &fib) ? bpf_fib_lookup(skb, &fib, sizeof(fib), 0) : -1;
	/* If only the neighbour is missing, the kernel has set the device all the same. */
	if (found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH) {
		count_verdict(0, SLUICE_VERDICT_PUNT_NO_ROUTE, skb->len);
		return TC_ACT_SHOT;
	}
	count_verdict(0, SLUICE_VERDICT_PUNT_SENT, skb->len);
	return backend ? punt_to_backend(&fib) : bpf_redirect_neigh(fib.ifindex, NULL, 0, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
