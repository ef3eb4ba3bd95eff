/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Publishes each socket in map `congestion_flows`. The key is the tuple of the client's packets, so
 * that steer, pace and the operator find it. The entry is written once a round and at each change
 * of state, and ends with the socket. Changes since the last time are added to the service's totals
 * (service_totals.h); a change of state is reported to a reader (watch.h).
 */
#ifndef SLUICE_CONGESTION_TELEMETRY_H
#define SLUICE_CONGESTION_TELEMETRY_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "congestion/service_totals.h"
#include "congestion/socket.h"
#include "congestion/watch.h"
#include "maps/congestion_flows.h"
#include "sluice/congestion.h"
#include "sluice/flow.h"
#include "sluice/limits.h"

/* Copied, because a map's key must be on the stack. */
static __always_inline void telemetry_key(const struct congestion_socket *state,
					  struct sluice_flow *flow)
{
	__be32 *source = (__be32 *)flow->source.bytes;
	__be32 *destination = (__be32 *)flow->destination.bytes;

	__builtin_memset(flow, 0, sizeof(*flow));
	source[0] = state->peer[0];
	source[1] = state->peer[1];
	source[2] = state->peer[2];
	source[3] = state->peer[3];
	destination[0] = state->local[0];
	destination[1] = state->local[1];
	destination[2] = state->local[2];
	destination[3] = state->local[3];
	flow->source_port = state->peer_port;
	flow->destination_port = state->local_port;
	flow->l4_proto = KERNEL_IPPROTO_TCP;
}

/* What limits the flow at present. */
static __always_inline __u32 telemetry_bound(struct tcp_sock *tp, struct congestion_socket *state)
{
	__u64 policy_rate = socket_policy_rate(tp, state);
	bool filled = socket_fills_window(tp);

	if (!socket_has_unsent(tp) && !filled)
		return SLUICE_BOUND_APPLICATION;
	if (tp->snd_una + tp->snd_wnd - tp->snd_nxt < tp->mss_cache)
		return SLUICE_BOUND_RWND;
	if (filled && tp->snd_cwnd >= socket_policy_window(tp, state))
		return SLUICE_BOUND_POLICY_WINDOW;
	if (!filled && policy_rate && policy_rate <= socket_law_rate(tp, state))
		return SLUICE_BOUND_POLICY_RATE;
	return SLUICE_BOUND_CWND;
}

static __always_inline void telemetry_describe(struct tcp_sock *tp, struct congestion_socket *state,
					       struct sluice_congestion_flow *flow)
{
	__u64 rate = (__u64)tp->rate_delivered * tp->mss_cache * 1000000;

	flow->updated_ns = tp->tcp_mstamp * 1000;
	flow->delivery_rate_bytes_per_sec = tp->rate_interval_us ? rate / tp->rate_interval_us : 0;
	flow->pacing_rate_bytes_per_sec = socket_of(tp)->sk_pacing_rate;
	flow->delivered_bytes = tp->bytes_acked;
	flow->policy_rate_bytes_per_sec = state->policy_rate_bytes_per_sec;
	flow->policy_window_bytes = state->policy_window_bytes;
	flow->service = state->service;
	flow->cwnd_packets = tp->snd_cwnd;
	flow->ssthresh_packets = tp->snd_ssthresh;
	flow->mss_bytes = tp->mss_cache;
	flow->srtt_us = tp->srtt_us >> 3;
	flow->min_rtt_us = state->window.min_rtt_us;
	flow->inflight_packets = socket_inflight(tp);
	flow->lost_packets = tp->lost;
	flow->retransmitted_packets = tp->total_retrans;
	flow->marked_packets = tp->delivered_ce;
	flow->state = state->window.state;
	flow->bound = (__u16)telemetry_bound(tp, state);
	flow->accurate_marks = marks_accurate(&state->window.marks);
	flow->marked_share = flow->accurate_marks ? marks_share_256(&state->window.marks) : 0;
}

/* Writes the flow's entry. If the map is full, the next call tries again. */
static __noinline int telemetry_publish(struct tcp_sock *tp, struct congestion_socket *state,
					__u32 before)
{
	__u32 now = state->window.state;
	struct sluice_congestion_flow *flow;
	struct totals_counted was;
	struct sluice_flow key;

	telemetry_key(state, &key);
	flow = bpf_map_lookup_elem(&congestion_flows, &key);
	if (flow) {
		totals_counted_of(flow, &was);
		telemetry_describe(tp, state, flow);
	} else {
		struct sluice_congestion_flow fresh = {};

		/* Progress before the first entry is not counted. */
		telemetry_describe(tp, state, &fresh);
		totals_counted_of(&fresh, &was);
		was.state = before = SLUICE_CONGESTION_CLOSED;
		if (bpf_map_update_elem(&congestion_flows, &key, &fresh, BPF_ANY) != 0)
			return 0;
		flow = bpf_map_lookup_elem(&congestion_flows, &key);
		if (!flow)
			return 0;
	}
	totals_account(&was, flow);
	if (now == before || now >= SLUICE_CONGESTION_STATE_COUNT)
		return 0;
	flow->entered[now]++;
	watch_report(&key, before, now, flow);
	return 0;
}

static __noinline int telemetry_remove(struct tcp_sock *tp, struct congestion_socket *state)
{
	struct sluice_congestion_flow *flow;
	struct totals_counted was;
	struct sluice_flow key;

	telemetry_key(state, &key);
	flow = bpf_map_lookup_elem(&congestion_flows, &key);
	if (!flow)
		return 0;
	totals_counted_of(flow, &was);
	telemetry_describe(tp, state, flow);
	totals_account(&was, flow);
	totals_leave(flow);
	watch_report(&key, flow->state, SLUICE_CONGESTION_CLOSED, flow);
	bpf_map_delete_elem(&congestion_flows, &key);
	return 0;
}

#endif
