/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where does a packet leave, and to which MAC? The kernel's own routing and neighbour tables say
 * (bpf_fib_lookup); for backends the answer is kept for a moment, per backend and CPU.
 */
#ifndef SLUICE_STEER_NEXTHOP_H
#define SLUICE_STEER_NEXTHOP_H

#include "maps/backend_paths.h"
#include "maps/devices.h"
#include "sluice/service.h"
#include "steer/backend.h"
#include "steer/measure.h"
#include "steer/packet.h"

/* What an Ethernet header needs, and how long a packet may be. */
struct nexthop {
	__u8 macs[12]; /* destination and source */
	__u32 ifindex;
	__u32 mtu;
	/*
	 * The way leads out of a device that steer is not on: a VLAN on top of one, a tunnel, or
	 * one whose driver may not take what XDP sends. The stack can send there.
	 */
	bool punt;
	/* Of NO_ROUTE: it is for this host itself. (IPv4 says the same where there is no route.) */
	bool stays;
};

/* Of UNDECIDED and NEIGHBOUR_UNKNOWN: can the packet go on? */
static __always_inline bool nexthop_leads_out(enum sluice_verdict verdict)
{
	return verdict == UNDECIDED || verdict == SLUICE_VERDICT_NEIGHBOUR_UNKNOWN;
}

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

	backend_ask(&fib, source_high, source_low, destination_high, destination_low);
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

/* Is what this CPU remembers of the way to a backend still good? */
static __always_inline bool nexthop_is_fresh(const struct sluice_backend_path *path)
{
	return path->ifindex && bpf_jiffies64() < path->expires_jiffies;
}

/* The same towards a backend, from this CPU's memory of it where that is fresh. */
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
