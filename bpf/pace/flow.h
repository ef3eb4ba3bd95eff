/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory of the paced flows: where an entry is found, begun and given up. Neighbours: window
 * and departure, which keep their state there.
 */
#ifndef SLUICE_PACE_FLOW_H
#define SLUICE_PACE_FLOW_H

#include "pace/class.h"
#include "sluice/pace.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_paced_flow);
	__uint(max_entries, SLUICE_FLOWS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} paced_flows SEC(".maps");

static __always_inline struct sluice_paced_flow *flow_find(const struct pace_packet *packet)
{
	return bpf_map_lookup_elem(&paced_flows, &packet->flow);
}

static __always_inline struct sluice_paced_flow *
flow_find_or_begin(const struct pace_packet *packet)
{
	struct sluice_paced_flow *flow = flow_find(packet);
	struct sluice_paced_flow begun = {.service = packet->service};

	if (flow)
		return flow;
	bpf_map_update_elem(&paced_flows, &packet->flow, &begun, BPF_NOEXIST);
	return flow_find(packet);
}

/*
 * A client's RST ends nothing here: anybody can send one that its server will not believe, and
 * would be rid of what it still owes.
 */
static __always_inline void flow_end(const struct pace_packet *packet,
				     struct sluice_paced_flow *flow)
{
	const __u8 both = SLUICE_PACED_CLIENT_FIN | SLUICE_PACED_SERVER_FIN;

	if (packet->flow.l4_proto != IPPROTO_TCP)
		return;
	if (packet->tcp.fin)
		flow->flags |=
			packet->to_service ? SLUICE_PACED_CLIENT_FIN : SLUICE_PACED_SERVER_FIN;
	else if ((flow->flags & both) == both || (packet->tcp.rst && !packet->to_service))
		bpf_map_delete_elem(&paced_flows, &packet->flow);
}

#endif
