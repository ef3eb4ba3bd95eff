/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The congestion window as arithmetic: the effect of an acknowledgement, a loss, a time-out and
 * silence. No maps, no helpers, no kernel types, no clock: `congestion` passes in the state of the
 * socket, and the unit tests replay acknowledgements. The top of congestion.bpf.c explains the
 * model. Divisions are unsigned, because clang 14 has no signed division for BPF.
 */
#ifndef SLUICE_PURE_CONGESTION_WINDOW_H
#define SLUICE_PURE_CONGESTION_WINDOW_H

#include "pure/avoidance.h"
#include "pure/compete.h"
#include "pure/window_state.h"
#include "pure/pacing.h"
#include "pure/slow_start.h"

#define WINDOW_FULL_LOSS_ROUNDS 4 /* of a queue too long, then a loss: other traffic fills it */

static inline void window_open(struct window *window, __u32 cwnd_packets, __u32 now_ms)
{
	__builtin_memset(window, 0, sizeof(*window));
	window->cwnd_packets = cwnd_packets;
	window->ssthresh_packets = WINDOW_ENDLESS;
	window->law_x64 = cwnd_packets * LAW_ONE;
	window->min_rtt_at_ms = now_ms;
	window->probe_at_ms = queue_next_dip(now_ms);
	window->marks.share = MARKS_ALL;
	window->state = SLUICE_CONGESTION_SLOW_START;
	window->mode = SLUICE_CONGESTION_SLOW_START;
	window->weight = 1;
}

/* The window of a policy in whole packets, at least one. */
static inline __u32 window_of_bytes(__u32 bytes, __u32 mss_bytes)
{
	if (!bytes || !mss_bytes)
		return WINDOW_ENDLESS;
	return integer_greater(bytes / mss_bytes, 1);
}

static inline __u32 window_pacing_gain(const struct window *window)
{
	if (window->state == SLUICE_CONGESTION_SLOW_START)
		return PACING_SLOW_START;
	return recovery_loss_heavy(window->loss) ? PACING_POLICED : PACING_AVOIDANCE;
}

static inline void window_sample_part(struct window *window, __u32 rtt_us)
{
	if (!window->part_samples || rtt_us < window->part_rtt_us)
		window->part_rtt_us = rtt_us;
	if (++window->part_samples < WINDOW_PART_SAMPLES || window->parts == 255)
		return;
	window->parts_us += window->part_rtt_us;
	window->parts++;
	window->part_samples = 0;
}

static inline void window_sample_rtt(struct window *window, const struct window_ack *ack)
{
	if (!ack->rtt_us)
		return;
	window->rtt_us = ack->rtt_us;
	if (window->round_samples < 255)
		window->round_samples++;
	window_sample_part(window, ack->rtt_us);
	if (!window->round_rtt_us || ack->rtt_us < window->round_rtt_us)
		window->round_rtt_us = ack->rtt_us;
	if (!window->min_rtt_us || ack->rtt_us <= window->min_rtt_us) {
		window->min_rtt_us = ack->rtt_us;
		window->min_rtt_at_ms = ack->now_ms;
	}
	window->queue_most_us = integer_greater(window->queue_most_us, window_queue_us(window));
}

static inline void window_round(struct window *window, const struct window_ack *ack)
{
	if (window->probe_rounds) {
		if (--window->probe_rounds == 0)
			queue_probe_end(window, ack->now_ms);
		return;
	}
	/* A flow that does not fill its window neither tests it nor makes the queue (RFC 7661). */
	if (!(window->flags & WINDOW_FILLED))
		return;
	if (window->mode == SLUICE_CONGESTION_COMPETE)
		window_compete_round(window, ack);
	else
		window_avoid_round(window, ack);
}

static inline void window_follow(struct window *window, const struct window_ack *ack,
				 bool round_ended)
{
	__u32 most = integer_lesser(ack->ceiling_packets, LAW_MOST) * LAW_ONE;

	if (window->mode == SLUICE_CONGESTION_SLOW_START)
		window_slow_start(window, ack);
	else if (round_ended)
		window_round(window, ack);
	window->law_x64 = integer_greater(window->law_x64, WINDOW_LEAST_X64);
	window->law_x64 = integer_lesser(window->law_x64, most);
	window->cwnd_packets = window->law_x64 / LAW_ONE;
}

/* Recovery from a loss that indicated congestion. */
static inline void window_repair(struct window *window, const struct window_ack *ack)
{
	struct recovery now = {
		.ssthresh_packets = window->ssthresh_packets,
		.prior_packets = ack->prior_packets,
		.delivered_packets = window->reduced_by_packets + ack->acked_packets,
		.sent_packets = ack->sent_packets,
		.inflight_packets = ack->inflight_packets,
		.acked_packets = ack->acked_packets,
		.advanced = ack->advanced && !ack->lost_packets,
	};

	if (!ack->acked_packets)
		return;
	window->reduced_by_packets += ack->acked_packets;
	window->cwnd_packets = recovery_window(&now);
}

static inline void window_count_round(struct window *window)
{
	window->loss = recovery_loss(window->loss, window->lost_packets, window->acked_packets);
	marks_end_round(&window->marks, window->acked_packets);
	window->lost_packets = 0;
	window->acked_packets = 0;
}

static inline void window_count_marks(struct window *window, const struct window_ack *ack)
{
	struct marks_ack heard = {
		.acknowledged = ack->acknowledged,
		.marked_packets = ack->marked_packets,
		.in_order = ack->in_order && ack->advanced,
	};

	if (ack->acked_packets)
		marks_on_ack(&window->marks, &heard);
}

static inline void window_end_round(struct window *window)
{
	window->round_rtt_us = 0;
	window->round_samples = 0;
	window->parts_us = 0;
	window->parts = 0;
	window->part_samples = 0;
	window->flags &= ~WINDOW_FILLED;
}

/*
 * Does a round end, for all that is decided once a round? Where delays vary, the minimum of one or
 * two samples says nothing of the queue, and a small window would shrink without end. So a round
 * has several samples.
 */
static inline bool window_round_ended(const struct window *window, const struct window_ack *ack)
{
	if (!ack->round_ended)
		return false;
	return window->state == SLUICE_CONGESTION_SLOW_START ||
	       window->round_samples >= WINDOW_ROUND_SAMPLES;
}

static inline void window_on_ack(struct window *window, const struct window_ack *ack)
{
	bool round_ended;

	window_sample_rtt(window, ack);
	round_ended = window_round_ended(window, ack);
	window->acked_packets += ack->acked_packets;
	window->lost_packets += ack->lost_packets;
	window->flags &= ~WINDOW_RESTARTED;
	if (ack->filled)
		window->flags |= WINDOW_FILLED;
	window_count_marks(window, ack);

	if (window->state == SLUICE_CONGESTION_TIMEOUT) {
		if (window->cwnd_packets < window->ssthresh_packets)
			window->cwnd_packets =
				integer_lesser(window->cwnd_packets + ack->acked_packets,
					       window->ssthresh_packets);
	} else if (window->state == SLUICE_CONGESTION_RECOVERY &&
		   window->flags & WINDOW_CONGESTED) {
		window_repair(window, ack);
	} else {
		window_follow(window, ack, round_ended);
	}
	if (ack->round_ended)
		window_count_round(window);
	if (round_ended)
		window_end_round(window);
	window->cwnd_packets = integer_lesser(window->cwnd_packets, ack->ceiling_packets);
}

/*
 * Does the share of marks decide how far the window falls? Only if the share is known and the queue
 * may be our own: it is short, and the delay law is followed. With a long queue, or against other
 * traffic that fills it, a mark counts as a loss (RFC 3168, 5), as it does for the other senders;
 * otherwise our flows would take the whole link. In slow start the share is not measured yet.
 */
static inline bool window_marks_count(const struct window *window, __u32 queue_us)
{
	return marks_accurate(&window->marks) && !window->young_rounds &&
	       window->mode == SLUICE_CONGESTION_AVOIDANCE && !recovery_loss_heavy(window->loss) &&
	       queue_us < recovery_queue_ours_us(window->min_rtt_us);
}

/* A second mark at once is of the same queue: the window was already reduced. */
static inline void window_note_mark(struct window *window, __u32 window_x64)
{
	if (window->marked_rounds < WINDOW_MARKED_ROUNDS - 1 || window_x64 > window->marked_x64)
		window->marked_x64 = window_x64;
	window->marked_rounds = WINDOW_MARKED_ROUNDS;
}

/*
 * The slow start threshold, requested once at each loss event. Unless the cause is certain, the
 * queue decides.
 */
static inline __u32 window_after_loss(struct window *window, enum window_cause cause, __u32 now_ms)
{
	__u32 queue_us = window_queue_us(window);
	__u32 top_x64 = window->law_x64;

	if (window->probe_rounds)
		top_x64 = integer_greater(top_x64, window->kept_x64);
	window->flags &= ~WINDOW_CONGESTED;
	if (cause == WINDOW_LOST && !recovery_loss_heavy(window->loss) &&
	    !recovery_queue_long(queue_us, window->queue_most_us, window->min_rtt_us))
		return window->ssthresh_packets;
	window->flags |= WINDOW_CONGESTED;
	window->probe_rounds = 0;
	window->calm_rounds = 0;
	if (cause == WINDOW_MARKED)
		window_note_mark(window, top_x64);
	if (cause == WINDOW_MARKED && window_marks_count(window, queue_us)) {
		window->law_x64 = integer_greater(
			marks_reduced(&window->marks, top_x64),
			integer_greater(recovery_reduced(top_x64), WINDOW_LEAST_X64));
		return window->law_x64 / LAW_ONE;
	}
	/* Decays, because the buffer may have shrunk or the path may have changed. */
	window->queue_most_us = integer_greater(queue_us, window->queue_most_us / 8 * 7);
	if (window->mode == SLUICE_CONGESTION_COMPETE) {
		window_reduce_competing(window, top_x64, now_ms);
	} else if (window->mode == SLUICE_CONGESTION_SLOW_START || window->young_rounds) {
		window->law_x64 = recovery_reduced(top_x64);
		window_settle(window, now_ms);
		window->young_rounds = WINDOW_YOUNG_ROUNDS / 2;
	} else if (window->full_rounds >= WINDOW_FULL_LOSS_ROUNDS) {
		top_x64 = integer_greater(top_x64, window->onset_x64);
		window_compete(window, recovery_reduced(top_x64), top_x64, now_ms);
	} else {
		window->law_x64 = recovery_reduced(top_x64);
	}
	window->law_x64 = integer_greater(window->law_x64, WINDOW_LEAST_X64);
	return window->law_x64 / LAW_ONE;
}

/* Fast retransmit begins, or a mark arrived. The kernel has set ssthresh. */
static inline void window_on_recovery(struct window *window)
{
	if (window->state == SLUICE_CONGESTION_RECOVERY)
		return;
	window->state = SLUICE_CONGESTION_RECOVERY;
	window->reduced_by_packets = 0;
	window->flags &= ~WINDOW_UNDONE;
}

/* The kernel has set the window: one packet more than may still be in flight. */
static inline void window_on_timeout(struct window *window)
{
	window->state = SLUICE_CONGESTION_TIMEOUT;
	window->probe_rounds = 0;
	window->flags &= ~WINDOW_UNDONE;
}

/* All that was outstanding at the loss has arrived, or the kernel has undone the reduction. */
static inline void window_on_repaired(struct window *window)
{
	bool timed_out = window->state == SLUICE_CONGESTION_TIMEOUT;

	if (!timed_out && window->state != SLUICE_CONGESTION_RECOVERY)
		return;
	window->state = window->mode;
	window->flags &= ~WINDOW_CONGESTED;
	if (window->flags & WINDOW_UNDONE) {
		window->law_x64 = integer_greater(window->law_x64, window->cwnd_packets * LAW_ONE);
	} else if (timed_out && window->cwnd_packets < window->ssthresh_packets) {
		window_enter(window, SLUICE_CONGESTION_SLOW_START);
		window->law_x64 = window->cwnd_packets * LAW_ONE;
	}
	window->cwnd_packets = window->law_x64 / LAW_ONE;
}

/*
 * Silence for longer than the retransmission time-out. The window decays by half each time-out (RFC
 * 5681, 4.1; RFC 7661), and slow start restores it.
 */
static inline void window_on_silence(struct window *window, __u32 silence, __u32 timeout)
{
	__u32 halvings = integer_lesser(timeout ? silence / timeout : 0, 31);
	__u32 before = window->law_x64;

	if (!halvings || (window->flags & WINDOW_RESTARTED) || window->state != window->mode)
		return;
	window->flags |= WINDOW_RESTARTED;
	if (window->probe_rounds)
		before = window->kept_x64;
	window->probe_rounds = 0;
	before /= LAW_ONE;
	if (before <= WINDOW_INITIAL)
		return;
	window->cwnd_packets = integer_greater(before >> halvings, WINDOW_INITIAL);
	window->law_x64 = window->cwnd_packets * LAW_ONE;
	window->ssthresh_packets = integer_greater(window->ssthresh_packets, before / 4 * 3);
	if (window->cwnd_packets < window->ssthresh_packets)
		window_enter(window, SLUICE_CONGESTION_SLOW_START);
}

#endif
