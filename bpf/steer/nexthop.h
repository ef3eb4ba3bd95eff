/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where does a packet leave, and to which MAC? The kernel's own routing and neighbour tables say
 * (bpf_fib_lookup); for backends the answer is kept for a moment, per backend and CPU.
 */
#ifndef SLUICE_STEER_NEXTHOP_H
#define SLUICE_STEER_NEXTHOP_H

#include "sluice/service.h"
#include "steer/packet.h"

#define FAMILY_V4 2  /* AF_INET */
#define FAMILY_V6 10 /* AF_INET6 */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_backend);
	__uint(max_entries, SLUICE_BACKENDS_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_backend_path);
	__uint(max_entries, SLUICE_BACKENDS_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} backend_paths SEC(".maps");

/* What an Ethernet header needs, and how long a packet may be. */
struct nexthop {
	__u8 destination_mac[6];
	__u8 source_mac[6];
	__u32 ifindex;
	__u32 mtu;
};

/*
 * UNDECIDED: `nexthop` is whole. NEIGHBOUR_UNKNOWN: there is a way out, which the stack has to open
 * first. Anything else is why there is none.
 */
static __always_inline enum sluice_verdict nexthop_ask(struct xdp_md *ctx, __u64 source_high,
						       __u64 source_low, __u64 destination_high,
						       __u64 destination_low,
						       struct nexthop *nexthop)
{
	struct bpf_fib_lookup fib = {.ifindex = ctx->ingress_ifindex};

	if (destination_high == 0 && (__u32)destination_low == (__u32)address_mapped(0)) {
		fib.family = FAMILY_V4;
		fib.ipv4_src = address_v4(source_low);
		fib.ipv4_dst = address_v4(destination_low);
	} else {
		fib.family = FAMILY_V6;
		__builtin_memcpy(fib.ipv6_src, &source_high, 8);
		__builtin_memcpy(fib.ipv6_src + 2, &source_low, 8);
		__builtin_memcpy(fib.ipv6_dst, &destination_high, 8);
		__builtin_memcpy(fib.ipv6_dst + 2, &destination_low, 8);
	}
	switch (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		__builtin_memcpy(nexthop->destination_mac, fib.dmac, 6);
		__builtin_memcpy(nexthop->source_mac, fib.smac, 6);
		nexthop->ifindex = fib.ifindex;
		nexthop->mtu = fib.mtu_result;
		return UNDECIDED;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
		return SLUICE_VERDICT_NEIGHBOUR_UNKNOWN;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		return SLUICE_VERDICT_FORWARDING_OFF;
	default:
		return SLUICE_VERDICT_NO_ROUTE;
	}
}

/* The same towards a backend, from this CPU's memory of it where that is fresh. */
static __always_inline enum sluice_verdict nexthop_backend(struct xdp_md *ctx,
							   const struct sluice_backend *backend,
							   struct sluice_backend_path *path)
{
	__u64 now_jiffies = bpf_jiffies64();
	enum sluice_verdict verdict;
	struct nexthop nexthop;

	if (path->ifindex && now_jiffies < path->expires_jiffies)
		return UNDECIDED;
	verdict = nexthop_ask(ctx, address_high(&backend->source), address_low(&backend->source),
			      address_high(&backend->address), address_low(&backend->address),
			      &nexthop);
	path->ifindex = 0;
	if (verdict != UNDECIDED)
		return verdict;
	__builtin_memcpy(path->destination_mac, nexthop.destination_mac, 6);
	__builtin_memcpy(path->source_mac, nexthop.source_mac, 6);
	path->mtu = nexthop.mtu;
	path->expires_jiffies = now_jiffies + SLUICE_PATH_JIFFIES;
	path->ifindex = nexthop.ifindex;
	return UNDECIDED;
}

#endif
