/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The receive-window ceiling. It lowers the window in the client's segments, so that the service
 * sends no more than its policy allows. It also measures round trips, windows and retransmissions
 * of passing segments. Arithmetic: pure/ceiling.h, pure/roundtrip.h. The hook finds the segment and
 * provides access to its bytes (wire/skb_segment.h, wire/xdp_segment.h).
 *
 * Limits: a connection whose SYN was not seen stays unchanged, and so does one with signed
 * segments. A client that forges its ACKs can lift its own ceiling; `congestion` limits the
 * server's sockets.
 */
#ifndef SLUICE_PACE_RECEIVE_WINDOW_H
#define SLUICE_PACE_RECEIVE_WINDOW_H

#include "pace/handshake.h"
#include "pace/paced_flow.h"
#include "wire/segment.h"
#include "pure/ceiling.h"
#include "pure/roundtrip.h"
#include "sluice/policy.h"
#include "sluice/time.h"

#define RWND_EDGE_TRIES 4
/* NOP, NOP, timestamps, 10 bytes: the options of nearly every ACK. */
#define RWND_ONLY_TIMESTAMPS 0x0101080a
#define RWND_ONLY_TIMESTAMPS_LENGTH 12

/* Outcome for a client's segment. */
enum rwnd_outcome {
	RWND_UNTOUCHED, /* no ceiling, or too little is known of the flow */
	RWND_KEPT,	/* the window is within the ceiling */
	RWND_LOWERED,
};

/* May a segment in mid-connection be changed? A key may have been set since the SYN. */
static __always_inline bool rwnd_unsigned(void *ctx, const struct segment *segment)
{
	struct tcp_options options = {};
	__be32 first;

	if (!segment->options_bytes)
		return true;
	if (segment->options_bytes == RWND_ONLY_TIMESTAMPS_LENGTH &&
	    segment_load(ctx, segment->options_offset, &first, sizeof(first)) &&
	    first == bpf_htonl(RWND_ONLY_TIMESTAMPS))
		return true;
	return segment_options(ctx, segment, &options) && !options.is_signed;
}

static __always_inline enum rwnd_outcome rwnd_write(void *ctx, const struct segment *segment,
						    struct sluice_paced_flow *flow, __u16 field)
{
	struct sluice_flow_totals *totals;

	if (segment->window == field)
		return RWND_KEPT;
	if (!segment_replace(ctx, segment, offsetof(struct tcphdr, window), segment->window, field))
		return RWND_UNTOUCHED;
	flow->lowered++;
	totals = paced_totals(flow->service);
	if (totals)
		totals->windows_lowered++;
	return RWND_LOWERED;
}

/*
 * The policy limit in bytes; 0: none. A rate gives what the path holds at it; while the path is
 * unknown, the initial window of a sender (RFC 6928).
 */
static __always_inline __u32 rwnd_ceiling(const struct sluice_policy *policy,
					  const struct sluice_paced_flow *flow)
{
	__u32 window_bytes = policy->window_bytes, of_rate;

	if (!policy->window_rate_bytes_per_sec)
		return window_bytes;
	of_rate = ceiling_of_rate(policy->window_rate_bytes_per_sec,
				  roundtrip_least_us(&flow->round_trip), flow->client_mss);
	return window_bytes && window_bytes < of_rate ? window_bytes : of_rate;
}

/* The window of a SYN is never scaled (RFC 7323, 2.2). */
static __always_inline enum rwnd_outcome rwnd_open(void *ctx, const struct segment *segment,
						   const struct sluice_policy *policy,
						   __u32 service, struct sluice_paced_flow *flow)
{
	struct tcp_options options = {};
	__u32 allowed = CEILING_FIELD_MAX;
	__u16 lowered;

	if (!segment_options(ctx, segment, &options))
		return RWND_UNTOUCHED;
	handshake_from_client(segment, &options, service, flow);
	flow->client_window = segment->window;
	flow->ceiling_bytes = rwnd_ceiling(policy, flow);
	if (flow->ceiling_bytes)
		allowed = ceiling_allowance(flow->ceiling_bytes, flow->client_mss);
	lowered = ceiling_field(segment->window, 0, allowed);
	/* The edge counts from 0 until the server's sequence numbers are known. */
	if (!(flow->flags & SLUICE_PACED_OPEN) && lowered > flow->right_edge)
		flow->right_edge = lowered;
	if (!flow->ceiling_bytes || options.is_signed)
		return RWND_UNTOUCHED;
	return rwnd_write(ctx, segment, flow, lowered);
}

static __always_inline void rwnd_advance(struct sluice_paced_flow *flow, __u32 edge)
{
	__u32 seen;
	int i;

	for (i = 0; i < RWND_EDGE_TRIES; i++) {
		seen = *(volatile __u32 *)&flow->right_edge;
		if (!ceiling_after(edge, seen) ||
		    __sync_val_compare_and_swap(&flow->right_edge, seen, edge) == seen)
			return;
	}
}

/*
 * Where only the client's segments are seen, the measurement runs until the server passes the edge
 * that it had before. It cannot pass it before it receives this ACK, so no sample is shorter than
 * the round trip.
 */
static __always_inline void rwnd_time_edge(const struct segment *segment,
					   struct sluice_paced_flow *flow, __u32 edge)
{
	__u32 before = flow->right_edge;

	if (!(flow->flags & SLUICE_PACED_SERVER_SYN) && ceiling_after(edge, before) &&
	    !ceiling_after(segment->ack, before))
		roundtrip_mark(&flow->round_trip, before, segment->now_ns);
}

static __always_inline enum rwnd_outcome rwnd_lower(void *ctx, const struct segment *segment,
						    const struct sluice_policy *policy,
						    struct sluice_paced_flow *flow)
{
	const __u16 needed = SLUICE_PACED_CLIENT_SYN | SLUICE_PACED_OPEN;
	__u32 allowance_bytes = ~0u, edge;
	__u16 lowered;
	__u8 scale;

	if (!(flow->flags & SLUICE_PACED_CLIENT_SYN) || (flow->flags & SLUICE_PACED_SIGNED))
		return RWND_UNTOUCHED;
	handshake_confirm(segment, flow);
	if ((flow->flags & needed) != needed || !handshake_scale_known(flow))
		return RWND_UNTOUCHED;
	roundtrip_on_ack(&flow->round_trip, segment->ack, segment->now_ns,
			 !(flow->flags & SLUICE_PACED_SERVER_SYN));

	/* Without a ceiling the edge is followed as well: a ceiling may be set at any time. */
	scale = (flow->flags & SLUICE_PACED_SCALED) ? flow->client_scale & 15 : 0;
	flow->client_window = (__u32)segment->window << scale;
	flow->ceiling_bytes = rwnd_ceiling(policy, flow);
	if (flow->ceiling_bytes)
		allowance_bytes = ceiling_allowance(flow->ceiling_bytes, flow->client_mss);
	lowered = ceiling_lower(segment->window, scale, segment->ack, flow->right_edge,
				allowance_bytes);
	if (lowered < segment->window && !rwnd_unsigned(ctx, segment)) {
		flow->flags |= SLUICE_PACED_SIGNED;
		return RWND_UNTOUCHED;
	}
	edge = ceiling_edge(segment->ack, lowered, scale);
	if (flow->ceiling_bytes && lowered < segment->window)
		rwnd_time_edge(segment, flow, edge);
	rwnd_advance(flow, edge);
	if (!flow->ceiling_bytes)
		return RWND_UNTOUCHED;
	return rwnd_write(ctx, segment, flow, lowered);
}

/*
 * Is a segment with data a retransmission? `edge` is the end of the data seen from that side, valid
 * if the flag `known` is set.
 */
static __always_inline bool rwnd_is_repeated(const struct segment *segment,
					     struct sluice_paced_flow *flow, __u32 *edge,
					     __u16 known)
{
	__u32 end = segment_end(segment);

	if ((flow->flags & known) && !ceiling_after(end, *edge))
		return true;
	*edge = end;
	flow->flags |= known;
	return false;
}

/* A segment from a client to its service. `first`: no other hook has seen it. */
static __always_inline enum rwnd_outcome
rwnd_from_client(void *ctx, const struct segment *segment, const struct sluice_policy *policy,
		 __u32 service, struct sluice_paced_flow *flow, bool first)
{
	struct sluice_flow_totals *totals;

	flow->seen_s = segment->now_ns / SLUICE_NS_PER_SEC;
	if (segment->syn)
		return segment->acks ? RWND_UNTOUCHED
				     : rwnd_open(ctx, segment, policy, service, flow);
	if (first && segment->payload_bytes &&
	    rwnd_is_repeated(segment, flow, &flow->client_edge, SLUICE_PACED_CLIENT_DATA)) {
		flow->client_retransmits++;
		totals = paced_totals(flow->service);
		if (totals)
			totals->client_retransmits++;
	}
	if (!segment->acks || segment->rst)
		return RWND_UNTOUCHED;
	return rwnd_lower(ctx, segment, policy, flow);
}

/* A segment from the service. `first` as above; `leaves_ns`: its departure. */
static __always_inline void rwnd_from_server(void *ctx, const struct segment *segment,
					     struct sluice_paced_flow *flow, __u64 leaves_ns,
					     bool first)
{
	struct sluice_flow_totals *totals;
	bool scaled = flow->flags & SLUICE_PACED_SCALED;

	if (segment->syn && segment->acks)
		handshake_from_server(ctx, segment, flow);
	if (segment->rst)
		return;
	flow->server_window = (__u32)segment->window
			      << (scaled && !segment->syn ? flow->server_scale & 15 : 0);
	if (!first || !segment->payload_bytes)
		return;
	if (!rwnd_is_repeated(segment, flow, &flow->server_edge, SLUICE_PACED_SERVER_DATA)) {
		/* Marks the first byte: a packet that is segmented later takes time to arrive. */
		if (flow->flags & SLUICE_PACED_SERVER_SYN)
			roundtrip_mark(&flow->round_trip, segment->seq, leaves_ns);
		return;
	}
	roundtrip_purge_mark(&flow->round_trip);
	flow->server_retransmits++;
	totals = paced_totals(flow->service);
	if (totals)
		totals->server_retransmits++;
}

#endif
