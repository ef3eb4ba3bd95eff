// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * congestion: a TCP congestion control for the sockets of servers (struct_ops
 * tcp_congestion_ops). It sets the congestion window and the pacing rate of each socket, under the
 * policy of its service, and publishes the state of each flow.
 *
 * A flow never has more in flight than S = min(w, policy limit, RWND). w is the congestion window,
 * the policy limit is the operator's, and TCP itself keeps to RWND, the receiver's window. The
 * model of the path and the window:
 *
 *	minRTT = least RTT of the path, without a queue
 *	RTT    = least RTT of a round; a round is an RTT, and at least 10 ms
 *	T      = target queueing delay = sqrt(3.2 ms * weight * RTT / w) + 0.3 ms
 *
 *	avoidance	w = (w + w * (minRTT + T) / RTT) / 2	once a round (FAST TCP)
 *	compete		w = Wmax + 0.4 * (t - K)^3		at least Reno's window (CUBIC)
 *	loss		w = 0.7 * w				sent by PRR
 *	accurate mark	w = max(0.7, 1 - alpha / 2) * w
 *	share of marks	alpha = alpha + (F - alpha) / 16	once a round (DCTCP)
 *	pacing rate	1.2 * w / RTT				2 * w / RTT in slow start
 *
 * In equilibrium rate = 3.2 ms * weight / (T - 0.3 ms)^2. So flows with one queue have rates by
 * weight, independent of their RTTs. One flow at 50 mbit has T = 1.2 ms.
 *
 * A loss indicates congestion if the queue was long, or if more than 4 % of all packets are lost.
 * Any other loss is repaired without a reduction. A mark always indicates congestion. It counts as
 * a loss (0.7) unless three things hold: the peer echoes each mark (pure/marks.h observes that),
 * the queue is short, and the flow follows the delay law. F is the marked part of a round's
 * packets.
 *
 * The state diagram:
 *
 *	             |
 *	             v          7
 *	+------> SLOW_START <-------- TIMEOUT <---- any state
 *	|            |                            6
 *	| 2          | 1                             7
 *	|            v                    TIMEOUT -------> the state before
 *	+-------- AVOIDANCE               RECOVERY ------> the state before
 *	           |    ^                            8
 *	         3 |    | 4
 *	           v    |                         5
 *	          COMPETE     the three states -------> RECOVERY
 *
 *	1  A queue builds, w reaches ssthresh, or the policy limits the flow.
 *	2  Silence lasts longer than the retransmission time-out (also from COMPETE), the policy
 *	   is loosened, or three rounds after slow start there is no queue (false alarm).
 *	3  The queue is too long for eight rounds, and a verification finds other traffic. Or it
 *	   is too long for four rounds, and a loss indicates congestion.
 *	4  A drain finds no other traffic, or the long queue is gone.
 *	5  A loss (fast retransmit), a mark, or a full queue of this host.
 *	6  The retransmission timer fires: w = 1, then it doubles each round up to ssthresh.
 *	7  All that was outstanding has arrived: to SLOW_START if w < ssthresh.
 *	8  All that was outstanding has arrived.
 *
 * The life of a flow: in slow start w doubles every round, until the flow's own queue adds an
 * eighth of minRTT (4 to 16 ms). Then w falls to 5/8, and the delay law keeps the queue at T,
 * whatever the size of the buffer. Every 2 s the flow removes its part of the queue for two rounds,
 * together with the other flows of the host, and measures minRTT (pure/queue.h).
 *
 * If another sender fills the buffer, the queue stays long and w shrinks. After eight rounds a
 * verification measures what remains without the flow's own part. Other traffic remains: the flow
 * competes as CUBIC does, and repeats the measurement every 1.5 to 6 s.
 *
 * A round that does not fill the window changes nothing. Losses reduce w once per window, and a
 * false loss is undone.
 *
 * Papers: Wei, Jin, Low, Hegde, "FAST TCP: motivation, architecture, algorithms, performance"
 * (2006); Arun, Balakrishnan, "Copa: practical delay-based congestion control for the Internet"
 * (2018); Kumar et al., "Swift: delay is simple and effective for congestion control in the
 * datacenter" (2020); Goyal et al., "Elasticity detection: a building block for Internet congestion
 * control" (Nimbus, 2022). RFC 9438 (CUBIC), RFC 5681 (states), RFC 6937 (proportional rate
 * reduction), RFC 9406 (HyStart++), RFC 7661 (unfilled windows), RFC 3168 and RFC 9768 (classic and
 * accurate ECN), RFC 8257 (DCTCP).
 *
 * The arithmetic is in pure/congestion_window.h and the headers it includes. docs/congestion.md has
 * the measurements.
 *
 * Limits: the key of a flow is its 5-tuple, which two network namespaces may both use. A tail loss
 * probe may exceed a window policy by its one packet (RFC 8985, 7.3).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "congestion/socket.h"
#include "congestion/telemetry.h"
#include "kernel_types.h"
#include "maps/congestion_choices.h"
#include "pure/congestion_window.h"

/* Number of arguments in the running kernel: (sk, rs), since 6.10 (sk, ack, flag, rs). */
const volatile __u32 cong_control_arguments = 4;

static __always_inline void socket_on_ack(struct tcp_sock *tp, struct congestion_socket *state,
					  const struct rate_sample *rs)
{
	struct window_ack ack = {};
	__u32 before = state->window.state;

	ack.now_ms = tp->tcp_mstamp / 1000;
	if (ack.now_ms - state->policy_read_ms >= POLICY_LIFE_MS)
		policy_read(state, ack.now_ms);

	/* The kernel changes both by itself: at a time-out, an undo, a restored threshold. */
	state->window.cwnd_packets = tp->snd_cwnd;
	if (state->window.state == before)
		state->window.ssthresh_packets = tp->snd_ssthresh;

	if (rs->rtt_us >= 0)
		ack.rtt_us = rs->rtt_us ? rs->rtt_us : 1;
	ack.acked_packets = rs->acked_sacked;
	ack.lost_packets = rs->losses;
	ack.marked_packets = tp->delivered_ce - state->marked;
	ack.acknowledged = tp->snd_una;
	ack.inflight_packets = socket_inflight(tp);
	ack.prior_packets = tp->prior_cwnd;
	ack.sent_packets = tp->prr_out;
	ack.ceiling_packets = socket_ceiling(tp, state);
	ack.advanced = tp->snd_una != state->acknowledged;
	ack.in_order = !tp->sacked_out && !tp->lost_out;
	ack.filled = socket_fills_window(tp);
	ack.policed = telemetry_bound(tp, state) == SLUICE_BOUND_POLICY_RATE ||
		      tp->snd_cwnd >= ack.ceiling_packets;
	if (rs->delivered > 0 && (__s32)(rs->prior_delivered - state->round_ends_at) >= 0 &&
	    ack.now_ms - state->round_began_ms >= WINDOW_ROUND_LEAST_MS) {
		ack.round_ended = true;
		state->round_ends_at = tp->delivered;
		state->round_began_ms = ack.now_ms;
	}
	state->acknowledged = tp->snd_una;
	state->marked = tp->delivered_ce;

	window_on_ack(&state->window, &ack);
	socket_set_window(tp, state);
	socket_set_rate(tp, state);
	if (ack.round_ended || state->window.state != before)
		telemetry_publish(tp, state, before);
}

SEC("struct_ops/congestion_init")
int BPF_PROG(congestion_init, struct tcp_sock *tp)
{
	struct congestion_socket *state = socket_state_fresh(tp);
	__u32 now_ms = tp->tcp_mstamp / 1000;

	if (!state)
		return 0;
	window_open(&state->window, tp->snd_cwnd, now_ms);
	state->window.min_rtt_us = tp->srtt_us >> 3; /* from the handshake, if it was measured */
	state->policy_rate_bytes_per_sec = 0;
	state->policy_window_rate_bytes_per_sec = 0;
	state->policy_window_bytes = 0;
	state->round_ends_at = tp->delivered;
	state->round_began_ms = now_ms;
	state->acknowledged = tp->snd_una;
	state->marked = tp->delivered_ce;
	if (tp->ecn_flags & KERNEL_ECN_MODE_ACCECN)
		state->window.marks.confidence = MARKS_NEGOTIATED;
	socket_name(tp, state);
	policy_read(state, now_ms);
	socket_set_window(tp, state);
	socket_set_rate(tp, state);
	/* Without fq, TCP paces by itself, but only if requested. */
	__sync_val_compare_and_swap(&socket_of(tp)->sk_pacing_status, KERNEL_PACING_NONE,
				    KERNEL_PACING_NEEDED);
	telemetry_publish(tp, state, SLUICE_CONGESTION_CLOSED);
	return 0;
}

SEC("struct_ops/congestion_control")
int congestion_control(__u64 *ctx)
{
	struct tcp_sock *tp = (struct tcp_sock *)ctx[0];
	struct congestion_socket *state;
	const struct rate_sample *rs;

	/*
	 * Without the barriers clang makes one load at a variable offset, which the verifier
	 * refuses.
	 */
	if (cong_control_arguments == 4) {
		rs = (const struct rate_sample *)ctx[3];
		barrier_var(rs);
	} else {
		rs = (const struct rate_sample *)ctx[1];
		barrier_var(rs);
	}
	state = socket_state(tp);
	if (state)
		socket_on_ack(tp, state, rs);
	return 0;
}

/*
 * The kernel calls this once per loss event, before it changes the state. Its next new packet tells
 * the peer (CWR).
 */
SEC("struct_ops/congestion_ssthresh")
__u32 BPF_PROG(congestion_ssthresh, struct tcp_sock *tp)
{
	struct congestion_socket *state = socket_state(tp);
	__u32 before, ssthresh;

	if (!state)
		return integer_greater(recovery_reduced(tp->snd_cwnd), WINDOW_LEAST);
	before = state->window.state;
	marks_on_answer(&state->window.marks, tp->snd_una, tp->snd_nxt);
	ssthresh =
		window_after_loss(&state->window, socket_cause(tp, state), tp->tcp_mstamp / 1000);
	if (state->window.state != before)
		telemetry_publish(tp, state, before);
	return ssthresh;
}

SEC("struct_ops/congestion_set_state")
int BPF_PROG(congestion_set_state, struct tcp_sock *tp, __u8 kernel_state)
{
	struct congestion_socket *state = socket_state(tp);
	__u32 before;

	if (!state)
		return 0;
	before = state->window.state;
	state->window.cwnd_packets = tp->snd_cwnd;
	state->window.ssthresh_packets = tp->snd_ssthresh;
	if (kernel_state == KERNEL_CA_LOSS)
		window_on_timeout(&state->window);
	else if (kernel_state == KERNEL_CA_CWR || kernel_state == KERNEL_CA_RECOVERY)
		window_on_recovery(&state->window);
	else
		window_on_repaired(&state->window);
	if (state->window.state == before)
		return 0;
	socket_set_window(tp, state);
	socket_set_rate(tp, state);
	telemetry_publish(tp, state, before);
	return 0;
}

/* The loss was false: packets or acknowledgements were late. */
SEC("struct_ops/congestion_undo_cwnd")
__u32 BPF_PROG(congestion_undo_cwnd, struct tcp_sock *tp)
{
	struct congestion_socket *state = socket_state(tp);

	if (!state)
		return integer_greater(tp->snd_cwnd, tp->prior_cwnd);
	state->window.flags |= WINDOW_UNDONE;
	return integer_lesser(integer_greater(tp->snd_cwnd, tp->prior_cwnd),
			      socket_ceiling(tp, state));
}

/*
 * The smallest burst. The kernel calls this before it sends anything, so silence is detected here
 * (later kernels split `cwnd_event` in two).
 */
SEC("struct_ops/congestion_min_tso_segs")
__u32 BPF_PROG(congestion_min_tso_segs, struct tcp_sock *tp)
{
	if (!tp->packets_out) {
		struct congestion_socket *state = socket_state(tp);
		__u32 silence = (__u32)bpf_jiffies64() - tp->lsndtime;
		__u32 before;

		if (!state)
			return 2;
		before = state->window.state;
		state->window.cwnd_packets = tp->snd_cwnd;
		state->window.ssthresh_packets = tp->snd_ssthresh;
		window_on_silence(&state->window, silence, tp->inet_conn.icsk_rto);
		socket_set_window(tp, state);
		if (state->window.state != before)
			telemetry_publish(tp, state, before);
	}
	return pacing_least_burst(socket_of(tp)->sk_pacing_rate, tp->mss_cache);
}

SEC("struct_ops/congestion_release")
int BPF_PROG(congestion_release, struct tcp_sock *tp)
{
	struct congestion_socket *state = socket_state(tp);

	if (!state)
		return 0;
	telemetry_remove(tp, state);
	/*
	 * After a disconnect the kernel calls set_state once more. Without state that has no
	 * effect.
	 */
	bpf_sk_storage_delete(&congestion_sockets, tp);
	return 0;
}

/* The loader overwrites the name before it opens the object. */
SEC(".struct_ops")
struct tcp_congestion_ops sluice_ops = {
	.init = (void *)congestion_init,
	.cong_control = (void *)congestion_control,
	.ssthresh = (void *)congestion_ssthresh,
	.set_state = (void *)congestion_set_state,
	.undo_cwnd = (void *)congestion_undo_cwnd,
	.min_tso_segs = (void *)congestion_min_tso_segs,
	.release = (void *)congestion_release,
	.flags = KERNEL_CONG_NON_RESTRICTED,
	.name = "sluice@unnamed@",
};

char _license[] SEC("license") = "Dual BSD/GPL";
