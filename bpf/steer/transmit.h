/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last step of every packet: one verdict, one counter, one action.
 */
#ifndef SLUICE_STEER_TRANSMIT_H
#define SLUICE_STEER_TRANSMIT_H

#include "maps/devices.h"
#include "maps/verdicts.h"
#include "wire/headers.h"
#include "wire/xdp_cursor.h"

/* The secret source MAC that marks a punted packet for `punt`; set at load time. */
const volatile __u64 punt_mac = 0;

static __always_inline int transmit_pass(__u32 ip_bytes, enum sluice_verdict verdict)
{
	count_verdict(0, verdict, ip_bytes);
	return XDP_PASS;
}

/*
 * Punts to the stack: `punt` takes the packet at tc ingress and sends it. The source MAC marks it.
 * The destination MAC holds the backend if the IP header does not name it (mode l2), else 0.
 */
static __always_inline int transmit_punt(struct xdp_md *ctx, __u32 ip_bytes, __u32 service,
					 enum sluice_verdict verdict, __u32 backend)
{
	struct ethhdr *eth = frame_begin(ctx);
	__u64 mac = punt_mac;

	count_verdict(service, verdict, ip_bytes);
	if ((void *)(eth + 1) > frame_end(ctx))
		return XDP_DROP;
	__builtin_memset(eth->h_dest, 0, ETH_ALEN);
	__builtin_memcpy(eth->h_dest + 2, &backend, sizeof(backend));
	__builtin_memcpy(eth->h_source, &mac, ETH_ALEN);
	return XDP_PASS;
}

/*
 * Out of the device `ifindex`. A device may have left `devices` after its path was cached; then the
 * stack sends. `backend` as for transmit_punt().
 */
static __always_inline int transmit_frame(struct xdp_md *ctx, __u32 ifindex, __u32 ip_bytes,
					  __u32 service, __u32 backend)
{
	if (ifindex == ctx->ingress_ifindex)
		return XDP_TX;
	if (bpf_redirect_map(&devices, ifindex, XDP_DROP) == XDP_REDIRECT)
		return XDP_REDIRECT;
	return transmit_punt(ctx, ip_bytes, service, SLUICE_VERDICT_OTHER_DEVICE, backend);
}

#endif
