/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The other direction of a flow. */
#ifndef SLUICE_PURE_FLOW_REVERSE_H
#define SLUICE_PURE_FLOW_REVERSE_H

#include "sluice/flow.h"

static inline struct sluice_flow flow_reverse(const struct sluice_flow *flow)
{
	struct sluice_flow reverse = {
		.source = flow->destination,
		.destination = flow->source,
		.source_port = flow->destination_port,
		.destination_port = flow->source_port,
		.l4_proto = flow->l4_proto,
	};

	return reverse;
}

#endif
