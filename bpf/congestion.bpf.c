// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * congestion: the congestion control of the sockets that serve (struct_ops tcp_congestion_ops).
 * It decides how much each may have in flight and how fast it may send, under its service's
 * policy, and publishes what it sees of each flow.
 *
 * The model. A sender's allowance is S = min(w, S0, RWND): the congestion window, the operator's
 * policy, and the receiver's window, which TCP keeps by itself. minRTT is the RTT without a queue,
 * RTT the least of a round (an RTT, at least 10 ms), T the queueing delay that is aimed at:
 *
 *	target		T = sqrt(3.2 ms * weight * RTT / w) + 0.3 ms	1.2 ms at 50 mbit
 *	avoidance	w <- (w + w * (minRTT + T) / RTT) / 2		once a round: FAST TCP
 *	at rest		rate = 3.2 ms * weight / (T - 0.3 ms)^2		whatever the RTT
 *	compete		w = Wmax + 0.4 * (t - K)^3, at least Reno's	CUBIC
 *	a loss		w <- 0.7 * w					by PRR
 *	a mark		w <- max(0.7, 1 - alpha / 2) * w		where marks are accurate
 *	their share	alpha <- alpha + (F - alpha) / 16		once a round: DCTCP
 *	pacing		1.2 * w / RTT, never above the policy's		2 in slow start
 *
 * A loss counts when the queue was long, or when more than 4 % of all packets are lost; otherwise
 * it is repaired and changes nothing. A mark counts always, and as a loss does (0.7), unless the
 * peer echoes each one (pure/marks.h finds out), the queue is short and the delay law is followed;
 * F is then the part of a round's packets that were marked.
 *
 * The states, and what leads from one to the next:
 *
 *	SLOW_START ---> AVOIDANCE	a queue builds; w = ssthresh; or the policy is what holds
 *	AVOIDANCE  ---> SLOW_START	silence past the time-out; the policy gave way; the queue
 *					that ended it was none
 *	AVOIDANCE  ---> COMPETE		the queue is too long for eight rounds, and most of it stays
 *					when our part is taken away; or it is too long, and full
 *	COMPETE    ---> AVOIDANCE	nothing stays when our part is taken away; or no queue
 *	these      ---> RECOVERY	loss seen (fast retransmit), ECN mark, own host's queue full
 *	RECOVERY   ---> the one before	all of that window arrived
 *	any        ---> TIMEOUT		the retransmission timer fired: w = 1, doubles to ssthresh
 *	TIMEOUT    ---> SLOW_START	all of it arrived, and w < ssthresh; else the one before
 *
 * The life of a flow: w doubles every round until its own queue delays it by an eighth of minRTT
 * (4 to 16 ms), falls to five eighths, and the delay law keeps the queue at T, whatever the buffer
 * holds. Every 2 s it takes its part of the queue away for two rounds, together with the host's
 * other flows, and sees minRTT. Where a sender fills the buffer, the queue stays long, the window
 * gives way, and eight rounds later the same look tells whose the queue is: others' means to
 * compete as CUBIC does, and to look again every 1.5 to 6 s. A round that did not fill the window
 * changes nothing. A loss reduces once a window, and a loss that was none is undone.
 *
 * Papers: Wei, Jin, Low, Hegde, "FAST TCP: motivation, architecture, algorithms, performance"
 * (2006); Arun, Balakrishnan, "Copa: practical delay-based congestion control for the Internet"
 * (2018); Kumar et al., "Swift: delay is simple and effective for congestion control in the
 * datacenter" (2020); Goyal et al., "Elasticity detection: a building block for Internet congestion
 * control" (Nimbus, 2022); RFC 9438 (CUBIC), RFC 5681 (states), RFC 6937 (proportional rate
 * reduction), RFC 9406 (HyStart++), RFC 7661 (windows that are not filled), RFC 3168 and RFC 9768
 * (classic and accurate ECN), RFC 8257 (DCTCP).
 *
 * Neighbours: pure/window.h, queue.h, law.h have the arithmetic; congestion/ the socket and what is
 * published of it; policy.h the policies; docs/congestion.md what was tried. Limits: a flow is
 * named by its 5-tuple, which two network namespaces may both use; a tail loss probe may exceed a
 * window policy by its one packet (RFC 8985, 7.3).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "congestion/socket.h"
#include "congestion/telemetry.h"
#include "kernel_types.h"
#include "maps/congestion_choices.h"
#include "pure/congestion_window.h"

/* (sk, rs), or since 6.10 (sk, ack, flag, rs): how many the running kernel's has. */
const volatile __u32 cong_control_arguments = 4;

static __always_inline void socket_on_ack(struct tcp_sock *tp, struct congestion_socket *state,
					  const struct rate_sample *rs)
{
	struct window_ack ack = {};
	__u32 before = state->window.state;

	ack.now_ms = tp->tcp_mstamp / 1000;
	if (ack.now_ms - state->policy_read_ms >= POLICY_LIFE_MS)
		policy_read(state, ack.now_ms);

	/* The kernel has its own word in both: at a time-out, an undo, a restored threshold. */
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
	state->window.min_rtt_us = tp->srtt_us >> 3; /* the handshake's, where it had one */
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
	/* Where no fq paces, TCP does it itself, but only when asked to. */
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

	/* Without the barriers clang makes one load of it at a variable offset, which is refused.
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
 * Asked by the kernel once at each loss event, before it changes the state. The next new packet
 * tells the peer (CWR).
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

/* The loss was none: packets were late, or acknowledgements were. */
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
 * The smallest burst worth sending. The kernel asks before it sends anything, so this is also
 * where silence is noticed (`cwnd_event` was split in two in later kernels).
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
	/* A disconnect says once more, after this, that all is repaired: of a flow that is none. */
	bpf_sk_storage_delete(&congestion_sockets, tp);
	return 0;
}

/* The loader writes the name that it registers over this one, before the object is opened. */
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
