/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The congestion window as arithmetic: what an acknowledgement, a loss, a time-out and a silence
 * do to it. No maps, no helpers, no kernel types, no clock: `congestion` calls it with what the
 * socket knows, and the unit tests replay acknowledgements against it. The model is explained on
 * top of congestion.bpf.c. Divisions are unsigned: clang 14 has no other for BPF.
 */
#ifndef SLUICE_PURE_WINDOW_H
#define SLUICE_PURE_WINDOW_H

#include "pure/flow_window.h"
#include "pure/pacing.h"
#include "pure/queue.h"

/* HyStart++ (RFC 9406, 4.3), but measured from the path's least RTT, not the last round's. */
#define WINDOW_DELAY_LEAST_US 4000
#define WINDOW_DELAY_MOST_US 16000
#define WINDOW_DELAY_SAMPLES 8 /* so many say enough before the round ends */

#define WINDOW_YOUNG_ROUNDS 8	   /* slow start's own queue is gone after them */
#define WINDOW_RESUMES_MOST 2	   /* early ends of slow start that may have been false */
#define WINDOW_CALM_ROUNDS 3	   /* then steps up double every other round, */
#define WINDOW_CALM_ROUNDS_MOST 24 /* so many times at most, */
#define WINDOW_STEP_MOST 8	   /* to an eighth of the window */
#define WINDOW_RAMP 4		   /* competing begins with a quarter more a round */
#define WINDOW_PATIENCE_MS 4000	   /* past a drain's time without a long queue: nobody is there */
#define WINDOW_CROWD_LOSS_ROUNDS 4 /* of a queue that is too long, then a loss: others fill it */

/*
 * Who has less than a third of the bottleneck among senders like cubic has too little: the curve
 * twice as fast, and as little given up for a loss as CUBIC's fast convergence takes for certain.
 */
#define WINDOW_MEEK_SHARE 85 /* 256ths */
#define WINDOW_MEEK_SPEED 2
#define WINDOW_MEEK_BETA_OF_1024 870 /* 0.85 */

static inline void window_open(struct window *window, __u32 cwnd_packets, __u32 now_ms)
{
	__builtin_memset(window, 0, sizeof(*window));
	window->cwnd_packets = cwnd_packets;
	window->ssthresh_packets = WINDOW_ENDLESS;
	window->law_x64 = cwnd_packets * LAW_ONE;
	window->min_rtt_at_ms = now_ms;
	window->turn_at_ms = queue_next_dip(now_ms);
	window->state = SLUICE_CONGESTION_SLOW_START;
	window->mode = SLUICE_CONGESTION_SLOW_START;
	window->weight = 1;
}

/* The ceiling of a policy in packets: as many whole ones as it holds, and never none. */
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

/* Slow start has filled the path: a queue has begun to build. */
static inline bool window_queue_builds(__u32 min_rtt_us, __u32 rtt_us, __u32 doublings)
{
	__u32 tolerated_us = min_rtt_us / 8;

	tolerated_us = integer_greater(tolerated_us, WINDOW_DELAY_LEAST_US);
	tolerated_us = integer_lesser(tolerated_us, WINDOW_DELAY_MOST_US);
	return rtt_us >= min_rtt_us + (tolerated_us << doublings);
}

/* Slow start has found what it looked for. */
static inline void window_settle(struct window *window, __u32 now_ms)
{
	window->ssthresh_packets = window->law_x64 / LAW_ONE;
	window_avoid_from(window, now_ms);
}

/* What it found says nothing any more: a policy gave way, or it ended for a false alarm. */
static inline void window_reopen(struct window *window)
{
	if (window->mode != SLUICE_CONGESTION_AVOIDANCE || window->state != window->mode)
		return;
	window->ssthresh_packets = WINDOW_ENDLESS;
	window->young_rounds = 0;
	window_enter(window, SLUICE_CONGESTION_SLOW_START);
}

static inline void window_slow_start(struct window *window, const struct window_ack *ack)
{
	__u32 packets = window->law_x64 / LAW_ONE;
	bool builds = false;

	if (ack->filled && packets < window->ssthresh_packets) {
		packets = integer_lesser(packets + ack->acked_packets, window->ssthresh_packets);
		window->law_x64 = integer_lesser(packets, LAW_MOST) * LAW_ONE;
	}
	if (ack->rtt_us) {
		if (!window->block_rtt_us || ack->rtt_us < window->block_rtt_us)
			window->block_rtt_us = ack->rtt_us;
	}
	if (window->round_samples >= WINDOW_DELAY_SAMPLES ||
	    (ack->round_ended && window->block_rtt_us)) {
		builds = window_queue_builds(window->min_rtt_us, window->block_rtt_us,
					     window->resumes);
		window->block_rtt_us = 0;
		window->round_samples = 0;
	}
	if (builds) {
		/* What is acknowledged now left when the window was half as wide. */
		window->law_x64 = integer_greater(window->law_x64 / 8 * 5, WINDOW_LEAST_X64);
		window_settle(window, ack->now_ms);
		window->young_rounds = WINDOW_YOUNG_ROUNDS;
	} else if ((ack->round_ended && ack->policed) || packets >= window->ssthresh_packets) {
		window_settle(window, ack->now_ms);
	}
}

/* Slow start ended, and three rounds later there is no queue after all. */
static inline bool window_false_alarm(struct window *window, __u32 queue_us, __u32 target_us)
{
	if (!window->young_rounds)
		return false;
	window->young_rounds--;
	if (window->young_rounds != WINDOW_YOUNG_ROUNDS - 3 || queue_us >= target_us ||
	    window->resumes >= WINDOW_RESUMES_MOST)
		return false;
	window->resumes++;
	return true;
}

/*
 * The delay law, and its steps up doubled while the queue stays less than half of what is aimed at:
 * somebody has left. When the queue is there again, the last step and a half are taken back, which
 * are not in this round's delay yet.
 */
static inline __u32 window_follow_delay(struct window *window, __u32 queue_us, __u32 target_us)
{
	__u32 law_x64 = window->law_x64;
	__u32 next = law_next(law_x64, window->min_rtt_us, window->round_rtt_us, target_us);
	__u32 step, back;

	if (queue_us * 2 >= target_us) {
		back = window->kept_x64 + window->kept_x64 / 2;
		if (window->calm_rounds > WINDOW_CALM_ROUNDS + 2 && back < law_x64)
			next = law_x64 - back;
		window->calm_rounds = 0;
		return next;
	}
	if (window->calm_rounds < WINDOW_CALM_ROUNDS_MOST)
		window->calm_rounds++;
	if (window->calm_rounds <= WINDOW_CALM_ROUNDS || next < law_x64)
		return next;
	step = (next - law_x64) << ((window->calm_rounds - WINDOW_CALM_ROUNDS + 1) / 2);
	step = integer_lesser(step, law_x64 / WINDOW_STEP_MOST);
	window->kept_x64 = step;
	return law_x64 + step;
}

/*
 * The RTT that the law goes by. The least of many samples is less than that of a few: who sends
 * more would see a shorter queue than others do, and take more than its share. So it is the mean of
 * the least of each few, unless delays vary by more than sending in bursts can make them.
 */
static inline __u32 window_seen_rtt_us(const struct window *window)
{
	if (!window->parts)
		return window->round_rtt_us;
	return integer_lesser(window->parts_us / window->parts,
			      window->round_rtt_us + LAW_MARGIN_US);
}

/* A round of avoidance. */
static inline void window_avoid(struct window *window, const struct window_ack *ack)
{
	__u32 target_us = window_target_us(window, window->law_x64);
	__u32 queue_us;

	window->round_rtt_us = window_seen_rtt_us(window);
	queue_us = window->round_rtt_us - window->min_rtt_us;

	if (window_false_alarm(window, queue_us, target_us)) {
		window_reopen(window);
		return;
	}
	if (queue_crowded(window, queue_us, target_us)) {
		queue_look(window, WINDOW_VERIFY);
		return;
	}
	if ((__s32)(ack->now_ms - window->turn_at_ms) >= 0 && !window->young_rounds) {
		window->calm_rounds = 0;
		queue_look(window, WINDOW_DIP);
		return;
	}
	window->law_x64 = window_follow_delay(window, queue_us, target_us);
}

static inline bool window_meek(const struct window *window)
{
	return window->share && window->share < WINDOW_MEEK_SHARE;
}

/* Competing: is it time to look who else is there, or plain that nobody is? */
static inline bool window_turned(struct window *window, __u32 queue_us, __u32 now_ms)
{
	bool long_queue = queue_foreign(window, queue_us, window->law_x64, 5);
	__s32 since_ms = (__s32)(now_ms - window->turn_at_ms);

	if (since_ms < 0)
		return false;
	/* Near its longest, where our part of it can be told from theirs. */
	if (long_queue && queue_us > window->queue_most_us / 4 * 3) {
		queue_look(window, WINDOW_DRAIN);
		return true;
	}
	if (since_ms < WINDOW_PATIENCE_MS)
		return false;
	if (long_queue) {
		window->queue_most_us = queue_us;
		return false;
	}
	window_avoid_from(window, now_ms);
	return true;
}

/* A round of competing. */
static inline void window_vie(struct window *window, const struct window_ack *ack)
{
	__u32 rtt_us = window->round_rtt_us;
	__u32 queue_us = rtt_us - window->min_rtt_us;
	__u32 since_ms = ack->now_ms - window->cubic.epoch_ms + rtt_us / 1000;
	__u32 speed = window_meek(window) ? WINDOW_MEEK_SPEED : 1;
	__u32 target_us = window_target_us(window, window->law_x64);
	__u32 next;

	if (window_turned(window, queue_us, ack->now_ms))
		return;
	if (window->ramp) {
		window->law_x64 += window->law_x64 / WINDOW_RAMP;
		cubic_begin(&window->cubic, window->law_x64, window->law_x64, ack->now_ms);
		return;
	}
	next = cubic_at(&window->cubic, since_ms * speed);
	window->cubic.friend_x64 += CUBIC_FRIEND_X64 * speed;
	next = integer_greater(next, window->cubic.friend_x64);
	/* Room that nobody uses is ours to use, as in avoidance. */
	if (queue_us < target_us)
		next = integer_greater(
			next, law_next(window->law_x64, window->min_rtt_us, rtt_us, target_us));
	if (next > window->law_x64)
		window->law_x64 = integer_lesser(next, window->law_x64 + window->law_x64 / 2);
}

static inline void window_round(struct window *window, const struct window_ack *ack)
{
	if (window->look_rounds) {
		if (--window->look_rounds == 0)
			queue_looked(window, ack->now_ms);
		return;
	}
	/* Who does not fill the window neither tests it nor makes the queue (RFC 7661). */
	if (!(window->flags & WINDOW_FILLED))
		return;
	if (window->mode == SLUICE_CONGESTION_COMPETE)
		window_vie(window, ack);
	else
		window_avoid(window, ack);
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

/* Recovery, of a loss that told of congestion. */
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

static inline void window_count_loss(struct window *window)
{
	window->loss = recovery_loss(window->loss, window->lost_packets, window->acked_packets);
	window->lost_packets = 0;
	window->acked_packets = 0;
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
 * A round, for all that is decided once in it. The least of one or two samples says nothing of the
 * queue where delays vary: a small window waits for a few, or it would shrink for ever.
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
		window_count_loss(window);
	if (round_ended)
		window_end_round(window);
	window->cwnd_packets = integer_lesser(window->cwnd_packets, ack->ceiling_packets);
}

static inline void window_reduce_competing(struct window *window, __u32 top_x64, __u32 now_ms)
{
	__u32 aim_x64 = top_x64;

	if (window_meek(window)) {
		window->law_x64 = (__u32)((__u64)top_x64 * WINDOW_MEEK_BETA_OF_1024 / 1024);
	} else {
		window->law_x64 = recovery_reduced(top_x64);
		/* Fast convergence (RFC 9438, 4.7): who loses ground leaves it to newcomers. */
		if (top_x64 < window->cubic.top_x64)
			aim_x64 = (__u32)((__u64)top_x64 * (1024 + RECOVERY_BETA_OF_1024) / 2048);
	}
	cubic_begin(&window->cubic, window->law_x64, aim_x64, now_ms);
	window->ramp = false;
}

/*
 * Asked once at each loss event: the slow start threshold. `certain`: congestion beyond doubt, a
 * mark (RFC 3168, 6.1.2) or a time-out; otherwise the queue tells.
 */
static inline __u32 window_after_loss(struct window *window, bool certain, __u32 now_ms)
{
	__u32 queue_us = window_queue_us(window);
	__u32 top_x64 = window->law_x64;

	if (window->look_rounds)
		top_x64 = integer_greater(top_x64, window->kept_x64);
	window->flags &= ~WINDOW_CONGESTED;
	if (!certain && !recovery_loss_heavy(window->loss) &&
	    !recovery_queue_long(queue_us, window->queue_most_us, window->min_rtt_us))
		return window->ssthresh_packets;
	window->flags |= WINDOW_CONGESTED;
	/* Forgets: the buffer may have shrunk, or the way has changed. */
	window->queue_most_us = integer_greater(queue_us, window->queue_most_us / 8 * 7);
	window->look_rounds = 0;
	window->calm_rounds = 0;
	if (window->mode == SLUICE_CONGESTION_COMPETE) {
		window_reduce_competing(window, top_x64, now_ms);
	} else if (window->mode == SLUICE_CONGESTION_SLOW_START || window->young_rounds) {
		window->law_x64 = recovery_reduced(top_x64);
		window_settle(window, now_ms);
		window->young_rounds = WINDOW_YOUNG_ROUNDS / 2;
	} else if (window->crowded_rounds >= WINDOW_CROWD_LOSS_ROUNDS) {
		top_x64 = integer_greater(top_x64, window->crowd_x64);
		window_compete(window, recovery_reduced(top_x64), top_x64, now_ms);
	} else {
		window->law_x64 = recovery_reduced(top_x64);
	}
	window->law_x64 = integer_greater(window->law_x64, WINDOW_LEAST_X64);
	return window->law_x64 / LAW_ONE;
}

/* Fast retransmit has begun, or a mark came back: ssthresh is what remains. */
static inline void window_on_recovery(struct window *window)
{
	if (window->state == SLUICE_CONGESTION_RECOVERY)
		return;
	window->state = SLUICE_CONGESTION_RECOVERY;
	window->reduced_by_packets = 0;
	window->flags &= ~WINDOW_UNDONE;
}

/* The caller has set the window: one packet more than may still be in flight. */
static inline void window_on_timeout(struct window *window)
{
	window->state = SLUICE_CONGESTION_TIMEOUT;
	window->look_rounds = 0;
	window->flags &= ~WINDOW_UNDONE;
}

/* All that was outstanding at the loss has arrived; or it was none, and the kernel restored. */
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
 * Nothing was sent for longer than the retransmission time-out: what the window knew has faded,
 * by half each time-out (RFC 5681, 4.1; RFC 7661), and slow start finds it again.
 */
static inline void window_on_silence(struct window *window, __u32 silence, __u32 timeout)
{
	__u32 halvings = integer_lesser(timeout ? silence / timeout : 0, 31);
	__u32 before = window->law_x64;

	if (!halvings || (window->flags & WINDOW_RESTARTED) || window->state != window->mode)
		return;
	window->flags |= WINDOW_RESTARTED;
	if (window->look_rounds)
		before = window->kept_x64;
	window->look_rounds = 0;
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
