/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rates that the flows of a service share, and the flows' weights. Arithmetic: pure/fair_share.h.
 */
#ifndef SLUICE_PACE_SERVICE_SHARE_H
#define SLUICE_PACE_SERVICE_SHARE_H

#include "maps/shares.h"
#include "pace/class.h"
#include "pure/fair_share.h"
#include "sluice/limits.h"
#include "sluice/service.h"

/* The initial share; too large for the stack. */
static const struct sluice_share service_share_nothing = {};

/* NULL: the service has no such rate, or there is no memory for it. */
static __always_inline struct sluice_share *service_share_find(__u32 service,
							       __u64 rate_bytes_per_sec)
{
	struct sluice_share *share;

	if (!rate_bytes_per_sec)
		return NULL;
	share = bpf_map_lookup_elem(&shares, &service);
	if (!share) {
		bpf_map_update_elem(&shares, &service, &service_share_nothing, BPF_NOEXIST);
		share = bpf_map_lookup_elem(&shares, &service);
	}
	if (share && share->rate_bytes_per_sec != rate_bytes_per_sec)
		share_set_rate(share, rate_bytes_per_sec);
	return share;
}

static __noinline __u32 service_share_client_weight(const struct pace_packet *packet)
{
	struct sluice_filter_key key = {.bits = SLUICE_FILTER_KEY_BITS + 8 * sizeof(key.address)};
	__u32 *weight;

	if (!packet)
		return 0;
	key.service = packet->service;
	__builtin_memcpy(key.address, &packet->flow.source, sizeof(key.address));
	weight = bpf_map_lookup_elem(&client_weights, &key);
	return weight ? *weight : 0;
}

/* Looked up once a second: a change reaches running flows, and most packets cost no look-up. */
static __always_inline __u32 service_share_weight(struct sluice_departure *flow,
						  const struct pace_packet *packet,
						  const struct sluice_policy *policy, __u64 now_ns)
{
	__u16 now_s = now_ns >> 30;
	__u32 weight = flow->weight;

	if (weight && flow->weighed_s == now_s)
		return weight;
	weight = service_share_client_weight(packet);
	if (!weight)
		weight = policy->weight;
	if (!weight)
		weight = 1;
	flow->weight = weight;
	flow->weighed_s = now_s;
	return weight;
}

#endif
