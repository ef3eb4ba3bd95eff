/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The end of every packet's way: one verdict, one counter, one action.
 */
#ifndef SLUICE_STEER_CONCLUDE_H
#define SLUICE_STEER_CONCLUDE_H

#include "count.h"
#include "steer/encap.h"
#include "steer/nexthop.h"
#include "steer/packet.h"

/* The devices that steer is attached to, by their own index: packets go out of them in bulk. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, SLUICE_DEVICES_MAX);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} devices SEC(".maps");

/* The secret source MAC by which `handover` knows what steer gives it; set at load time. */
const volatile __u64 handover_mac = 0;

static __always_inline int conclude_pass(const struct packet *packet, enum sluice_verdict verdict)
{
	count_verdict(0, verdict, packet->ip_bytes);
	return XDP_PASS;
}

static __always_inline int conclude_drop(const struct packet *packet, __u32 service,
					 enum sluice_verdict verdict)
{
	count_verdict(service, verdict, packet->ip_bytes);
	return XDP_DROP;
}

/*
 * Out through the stack: `handover` takes the packet at tc ingress and sends it on. To nobody's
 * MAC: a header that was pushed has whatever the driver left there, and no tap shall see that.
 */
static __always_inline int conclude_hand_over(struct xdp_md *ctx, const struct packet *packet,
					      __u32 service, enum sluice_verdict verdict)
{
	__u64 mac = handover_mac;
	struct ethhdr *eth = (void *)(long)ctx->data;

	count_verdict(service, verdict, packet->ip_bytes);
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memset(eth->h_dest, 0, ETH_ALEN);
	__builtin_memcpy(eth->h_source, &mac, ETH_ALEN);
	return XDP_PASS;
}

static __always_inline int conclude_transmit(struct xdp_md *ctx, __u32 ifindex)
{
	return ifindex == ctx->ingress_ifindex ? XDP_TX : (int)bpf_redirect(ifindex, 0);
}

#endif
