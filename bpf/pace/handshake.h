/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the handshake tells of a flow's window: MSS, scale, and whether its segments are signed. A
 * SYN-ACK may be missing, because it may take another path. Part of receive_window.h; the state is
 * in struct sluice_paced_flow.
 */
#ifndef SLUICE_PACE_HANDSHAKE_H
#define SLUICE_PACE_HANDSHAKE_H

#include "maps/paced_flows.h"
#include "pace/paced_flow.h"
#include "wire/segment_options.h"
#include "pure/ceiling.h"
#include "pure/roundtrip.h"

/* The most bytes between the SYN and the first ACK that is seen. */
#define HANDSHAKE_FIRST_ACK_MAX 65536
/* The MSS of a client that announces none (RFC 9293, 3.7.1). */
#define HANDSHAKE_MSS_V4 536
#define HANDSHAKE_MSS_V6 1220

/* A repeated SYN, or one seen at both hooks, changes nothing; a different SYN starts a new flow. */
static __always_inline void handshake_from_client(const struct segment *segment,
						  const struct tcp_options *options, __u32 service,
						  struct sluice_paced_flow *flow)
{
	struct sluice_flow_totals *totals;

	if ((flow->flags & SLUICE_PACED_CLIENT_SYN) && flow->client_isn == segment->seq) {
		if (!(flow->flags & SLUICE_PACED_OPEN))
			roundtrip_on_syn(&flow->round_trip, segment->now_ns, 1);
		return;
	}
	flow->packets = 0;
	flow->bytes = 0;
	flow->lowered = 0;
	flow->right_edge = 0;
	flow->service = service;
	flow->client_isn = segment->seq;
	flow->client_mss = options->mss	   ? options->mss
			   : segment->ipv6 ? HANDSHAKE_MSS_V6
					   : HANDSHAKE_MSS_V4;
	flow->syn_window = segment->window;
	flow->client_scale = options->scale;
	flow->server_scale = 0;
	flow->server_window = 0;
	flow->server_retransmits = 0;
	flow->client_retransmits = 0;
	flow->flags = SLUICE_PACED_CLIENT_SYN | (options->has_scale ? SLUICE_PACED_OFFERED : 0) |
		      (options->is_signed ? SLUICE_PACED_SIGNED : 0);
	roundtrip_on_syn(&flow->round_trip, segment->now_ns, 0);
	totals = paced_totals(service);
	if (totals)
		totals->begun++;
}

/* The service's SYN-ACK tells whether the client's scale is in force. */
static __always_inline void handshake_from_server(void *ctx, const struct segment *segment,
						  struct sluice_paced_flow *flow)
{
	struct tcp_options options = {};

	/* It must answer the SYN that was seen: a server answers a forged SYN differently. */
	if (!(flow->flags & SLUICE_PACED_CLIENT_SYN) || (flow->flags & SLUICE_PACED_SERVER_SYN) ||
	    segment->ack != flow->client_isn + 1)
		return;
	if (!segment_options(ctx, segment, &options))
		return;
	flow->server_scale = options.scale;
	flow->flags |= SLUICE_PACED_SERVER_SYN;
	if (options.is_signed)
		flow->flags |= SLUICE_PACED_SIGNED;
	if ((flow->flags & SLUICE_PACED_OFFERED) && options.has_scale)
		flow->flags |= SLUICE_PACED_SCALED;
	roundtrip_on_syn_ack(&flow->round_trip, segment->now_ns);
}

/* The first ACK that fits the SYN opens the flow, and may show the scale without a SYN-ACK. */
static __always_inline void handshake_confirm(const struct segment *segment,
					      struct sluice_paced_flow *flow)
{
	__u32 beyond_syn = segment->seq - flow->client_isn - 1;

	if ((flow->flags & SLUICE_PACED_OPEN) || beyond_syn > HANDSHAKE_FIRST_ACK_MAX)
		return;
	if ((flow->flags & SLUICE_PACED_OFFERED) && !(flow->flags & SLUICE_PACED_SERVER_SYN) &&
	    ceiling_shows_scale(segment->window, flow->syn_window))
		flow->flags |= SLUICE_PACED_SCALED;
	flow->right_edge += segment->ack;
	flow->flags |= SLUICE_PACED_OPEN;
	roundtrip_on_open(&flow->round_trip, segment->now_ns);
}

/*
 * Is it known whether the scale is in force? A scale that was offered, and neither answered nor
 * shown, may be or not.
 */
static __always_inline bool handshake_scale_known(const struct sluice_paced_flow *flow)
{
	return !(flow->flags & SLUICE_PACED_OFFERED) || !flow->client_scale ||
	       (flow->flags & (SLUICE_PACED_SERVER_SYN | SLUICE_PACED_SCALED));
}

#endif
