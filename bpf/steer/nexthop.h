/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The next hop of a packet: device, MACs and MTU, from the kernel's routing and neighbour tables
 * (bpf_fib_lookup). For backends each CPU caches the answer for a moment (SLUICE_PATH_JIFFIES).
 */
#ifndef SLUICE_STEER_NEXTHOP_H
#define SLUICE_STEER_NEXTHOP_H

#include "maps/backend_paths.h"
#include "maps/devices.h"
#include "sluice/service.h"
#include "steer/fib.h"
#include "steer/measure.h"
#include "wire/packet.h"

struct nexthop {
	__u8 macs[12]; /* destination and source */
	__u32 ifindex;
	__u32 mtu; /* bytes from the IP header on */
	/*
	 * Only the stack can send there: steer is not attached to the device (a VLAN on top of one,
	 * a tunnel, or a device whose driver may not accept redirected frames).
	 */
	bool punt;
	/* With NO_ROUTE: the packet is for this host. IPv4 gives the same answer for no route. */
	bool stays;
};

/* Can the packet be forwarded? */
static __always_inline bool nexthop_leads_out(enum sluice_verdict verdict)
{
	return verdict == UNDECIDED || verdict == SLUICE_VERDICT_NEIGHBOUR_UNKNOWN;
}

/*
 * UNDECIDED: `nexthop` is complete. NEIGHBOUR_UNKNOWN: there is a route, and the stack has to
 * resolve the neighbour. Any other verdict: the reason why there is no route.
 */
static __always_inline enum sluice_verdict nexthop_ask(struct xdp_md *ctx, __u64 source_high,
						       __u64 source_low, __u64 destination_high,
						       __u64 destination_low,
						       struct nexthop *nexthop)
{
	struct bpf_fib_lookup fib = {.ifindex = ctx->ingress_ifindex};

	fib_fill(&fib, source_high, source_low, destination_high, destination_low);
	switch (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		__builtin_memcpy(nexthop->macs, fib.dmac, 6);
		__builtin_memcpy(nexthop->macs + 6, fib.smac, 6);
		nexthop->ifindex = fib.ifindex;
		nexthop->mtu = fib.mtu_result;
		nexthop->punt = nexthop->ifindex != ctx->ingress_ifindex &&
				!bpf_map_lookup_elem(&devices, &nexthop->ifindex);
		return UNDECIDED;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
		return SLUICE_VERDICT_NEIGHBOUR_UNKNOWN;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		return SLUICE_VERDICT_FORWARDING_OFF;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		nexthop->stays = true;
		return SLUICE_VERDICT_NO_ROUTE;
	default:
		return SLUICE_VERDICT_NO_ROUTE;
	}
}

/*
 * The longest packet that the route carries, also while the neighbour is unknown: to a length that
 * exceeds the MTU the kernel answers with the MTU, before it looks for the neighbour. 0: no route,
 * or an MTU of 65535 or more.
 */
static __always_inline __u32 nexthop_mtu(struct xdp_md *ctx, __u64 source_high, __u64 source_low,
					 __u64 destination_high, __u64 destination_low)
{
	struct bpf_fib_lookup fib = {.ifindex = ctx->ingress_ifindex, .tot_len = 0xffff};

	fib_fill(&fib, source_high, source_low, destination_high, destination_low);
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return 0;
	return fib.mtu_result;
}

/* The same towards a backend, before encapsulation. */
static __always_inline __u32 nexthop_backend_mtu(struct xdp_md *ctx,
						 const struct sluice_backend *backend)
{
	__u32 mtu = nexthop_mtu(ctx, address_high(&backend->source), address_low(&backend->source),
				address_high(&backend->address), address_low(&backend->address));

	return mtu > backend->outer.length ? mtu - backend->outer.length : 0;
}

/* Is the path that this CPU cached still valid? */
static __always_inline bool nexthop_is_fresh(const struct sluice_backend_path *path)
{
	return path->ifindex && bpf_jiffies64() < path->expires_jiffies;
}

/* The same towards a backend, from this CPU's cache if that is fresh. */
static __always_inline enum sluice_verdict nexthop_backend(struct xdp_md *ctx,
							   const struct sluice_backend *backend,
							   struct sluice_backend_path *path)
{
	enum sluice_verdict verdict;
	struct nexthop nexthop;

	if (nexthop_is_fresh(path))
		return UNDECIDED;
	verdict = nexthop_ask(ctx, address_high(&backend->source), address_low(&backend->source),
			      address_high(&backend->address), address_low(&backend->address),
			      &nexthop);
	path->ifindex = 0;
	path->fast_path_until_jiffies = 0;
	if (verdict != UNDECIDED)
		return verdict;
	path->outer = backend->outer;
	__builtin_memcpy(path->macs, nexthop.macs, sizeof(path->macs));
	path->mtu = nexthop.mtu > backend->outer.length ? nexthop.mtu - backend->outer.length : 0;
	path->punt = nexthop.punt;
	path->expires_jiffies = bpf_jiffies64() + SLUICE_PATH_JIFFIES;
	path->fast_path_until_jiffies =
		nexthop.punt || backend->mode == SLUICE_MODE_NAT || measure_wanted(backend->service)
			? 0
			: path->expires_jiffies;
	path->ifindex = nexthop.ifindex;
	return UNDECIDED;
}

#endif
