/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Entries of paced flows: look-up, creation, removal; and the totals of a service's flows. */
#ifndef SLUICE_PACE_PACED_FLOW_H
#define SLUICE_PACE_PACED_FLOW_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/paced_flows.h"
#include "wire/segment.h"
#include "sluice/flow.h"
#include "sluice/limits.h"
#include "sluice/pace.h"

/* Not on the stack, of which it would take a quarter. */
static const struct sluice_paced_flow paced_begun = {};

static __always_inline struct sluice_paced_flow *paced_find(const struct sluice_flow *key)
{
	return bpf_map_lookup_elem(&paced_flows, key);
}

static __always_inline struct sluice_paced_flow *paced_find_or_begin(const struct sluice_flow *key,
								     __u32 service)
{
	struct sluice_paced_flow *flow = paced_find(key);

	if (flow)
		return flow;
	bpf_map_update_elem(&paced_flows, key, &paced_begun, BPF_NOEXIST);
	flow = paced_find(key);
	if (flow)
		flow->service = service;
	return flow;
}

static __always_inline struct sluice_flow_totals *paced_totals(__u32 service)
{
	return bpf_map_lookup_elem(&flow_totals, &service);
}

/*
 * A client's RST removes nothing: it may be forged, and the server may reject it. Removal would
 * lift the flow's limits.
 */
static __always_inline void paced_end(const struct sluice_flow *key, const struct segment *segment,
				      bool to_service, struct sluice_paced_flow *flow)
{
	const __u16 both = SLUICE_PACED_CLIENT_FIN | SLUICE_PACED_SERVER_FIN;
	struct sluice_flow_totals *totals;

	if (to_service && segment->rst)
		flow->flags |= SLUICE_PACED_CLIENT_RST;
	if (segment->fin) {
		flow->flags |= to_service ? SLUICE_PACED_CLIENT_FIN : SLUICE_PACED_SERVER_FIN;
		return;
	}
	if ((flow->flags & both) != both && (to_service || !segment->rst))
		return;
	totals = paced_totals(flow->service);
	if (totals && segment->rst)
		totals->reset++;
	else if (totals)
		totals->finished++;
	bpf_map_delete_elem(&paced_flows, key);
}

#endif
