/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Queue probes: how much of the queue is other traffic's? The delay alone does not tell. So from
 * time to time a flow removes its own part of the queue for two rounds and measures what remains:
 *
 *	dip		in avoidance every 2 s, to measure the least RTT
 *	verification	in avoidance, when the queue was too long for many rounds
 *	drain		while competing, every 1.5 to 6 s, when the queue is long
 *
 * Flows of this congestion control together keep no more than their target queued. More than that
 * is elastic traffic of another kind, and the flow competes (the question of Nimbus, which asks it
 * with a sine wave). If nothing remains, the flow returns to the delay law.
 */
#ifndef SLUICE_PURE_QUEUE_H
#define SLUICE_PURE_QUEUE_H

#include "pure/window_state.h"

enum window_probe { WINDOW_DIP, WINDOW_VERIFY, WINDOW_DRAIN };

#define QUEUE_PROBE_ROUNDS 2	    /* one removes our part of the queue, one measures */
#define QUEUE_DIP_MS 2048	    /* between two dips */
#define QUEUE_MIN_RTT_LIFE_MS 12000 /* then the least RTT of the dips replaces the minimum */
#define QUEUE_DRAIN_MS 1500	    /* to the first drain; doubled after each that found others */
#define QUEUE_DRAIN_DOUBLINGS 2
#define QUEUE_FOREIGN_US 500	     /* beyond the targets below: noise of the hosts */
#define QUEUE_FOREIGN_QUARTERS_IN 5  /* of the target: more is other traffic, for a verification */
#define QUEUE_FOREIGN_QUARTERS_OUT 3 /* and for a drain, which other flows of ours may share */
#define QUEUE_STEADY_US 500	     /* other traffic's queue changes by more between two drains */
#define QUEUE_STEADY_DRAINS 3	     /* so many without change: the path has become longer */
#define QUEUE_LONG_ROUNDS 8	     /* of a queue that is too long, until a verification is due */
#define QUEUE_LONG_US 1000

/*
 * Flows dip together, by the host's clock. Only then are the queues of all of them gone at once,
 * and a new flow, whose least RTT includes their queue, measures the path.
 */
static inline __u32 queue_next_dip(__u32 now_ms)
{
	return (now_ms + QUEUE_DIP_MS + QUEUE_DIP_MS / 2) / QUEUE_DIP_MS * QUEUE_DIP_MS;
}

static inline void window_avoid_from(struct window *window, __u32 now_ms)
{
	window_enter(window, SLUICE_CONGESTION_AVOIDANCE);
	window->probe_at_ms = queue_next_dip(now_ms);
}

static inline void window_compete(struct window *window, __u32 law_x64, __u32 top_x64, __u32 now_ms)
{
	window_enter(window, SLUICE_CONGESTION_COMPETE);
	window->law_x64 = law_x64;
	cubic_begin(&window->cubic, law_x64, top_x64, now_ms);
	window->drains = 0;
	window->steady_drains = 0;
	window->path_rtt_us = 0;
	window->ramp = false;
	window->probe_at_ms = now_ms + QUEUE_DRAIN_MS;
}

/* The window without its own part of the queue, and a little less. */
static inline void queue_probe_begin(struct window *window, __u8 probe)
{
	__u64 empty = (__u64)window->law_x64 * window->min_rtt_us / window->round_rtt_us;

	window->kept_x64 = window->law_x64;
	window->block_rtt_us = window->round_rtt_us;
	window->law_x64 = integer_greater((__u32)(empty - empty / 16), WINDOW_LEAST_X64);
	window->probe_rounds = QUEUE_PROBE_ROUNDS;
	window->probe = probe;
}

/* Is the queue longer than flows of ours would keep it at this window? */
static inline bool queue_foreign(const struct window *window, __u32 queue_us, __u32 law_x64,
				 __u32 quarters)
{
	return queue_us > window_target_us(window, law_x64) * quarters / 4 + QUEUE_FOREIGN_US;
}

/*
 * Our share of the bottleneck. The removed part shows as delay in full only if all of the queue is
 * ours: share = (change of delay / delay) / (change of window / window).
 */
static inline void queue_learn_share(struct window *window)
{
	__u32 before_us = window->block_rtt_us, after_us = window->round_rtt_us;
	__u64 taken = (__u64)before_us * (window->kept_x64 - window->law_x64);
	__u64 share;

	if (before_us <= after_us || window->kept_x64 <= window->law_x64 || !taken)
		return;
	share = (__u64)window->kept_x64 * (before_us - after_us) * 256 / taken;
	if (share > 255)
		share = 255;
	if (window->share)
		share = (window->share + share) / 2;
	window->share = (__u8)(share ? share : 1);
}

/*
 * The path may have become longer, so an old minimum is replaced by the least RTT of recent dips.
 */
static inline void queue_dip_end(struct window *window, __u32 now_ms)
{
	if (!window->path_rtt_us || window->round_rtt_us < window->path_rtt_us)
		window->path_rtt_us = window->round_rtt_us;
	if (now_ms - window->min_rtt_at_ms > QUEUE_MIN_RTT_LIFE_MS) {
		window->min_rtt_us = window->path_rtt_us;
		window->min_rtt_at_ms = now_ms;
		window->path_rtt_us = 0;
	}
	window->probe_at_ms = queue_next_dip(now_ms);
}

static inline void queue_verify_end(struct window *window, __u32 queue_us, __u32 now_ms)
{
	window->full_rounds = 0;
	window->probe_at_ms = queue_next_dip(now_ms);
	if (!queue_foreign(window, queue_us, window->onset_x64, QUEUE_FOREIGN_QUARTERS_IN))
		return;
	window_compete(window, window->law_x64, window->law_x64, now_ms);
	window->ramp = true;
}

/* Has what remains at drains been the same for several drains? */
static inline bool queue_steady(struct window *window)
{
	__u32 now_us = window->round_rtt_us, before_us = window->path_rtt_us;
	__u32 apart_us = now_us > before_us ? now_us - before_us : before_us - now_us;

	if (apart_us > QUEUE_STEADY_US) {
		window->path_rtt_us = now_us;
		window->steady_drains = 0;
	}
	return ++window->steady_drains >= QUEUE_STEADY_DRAINS;
}

static inline void queue_drain_end(struct window *window, __u32 queue_us, __u32 now_ms)
{
	bool foreign =
		queue_foreign(window, queue_us, window->kept_x64, QUEUE_FOREIGN_QUARTERS_OUT);

	if (foreign && queue_steady(window)) {
		window->min_rtt_us = window->round_rtt_us;
		window->min_rtt_at_ms = now_ms;
		foreign = false;
	}
	if (!foreign) {
		/* No other traffic: the window stays as the drain left it, for the path. */
		window->path_rtt_us = 0;
		window_avoid_from(window, now_ms);
		return;
	}
	window->law_x64 = window->kept_x64;
	if (window->drains < QUEUE_DRAIN_DOUBLINGS)
		window->drains++;
	window->probe_at_ms = now_ms + (QUEUE_DRAIN_MS << window->drains);
}

/* A probe ends: what remained, and the consequence. */
static inline void queue_probe_end(struct window *window, __u32 now_ms)
{
	__u32 queue_us = window->round_rtt_us - window->min_rtt_us;

	if (window->probe != WINDOW_DIP)
		queue_learn_share(window);
	if (window->probe == WINDOW_DRAIN) {
		queue_drain_end(window, queue_us, now_ms);
		return;
	}
	window->law_x64 = window->kept_x64;
	if (window->probe == WINDOW_VERIFY)
		queue_verify_end(window, queue_us, now_ms);
	else
		queue_dip_end(window, now_ms);
}

/* After one more round with this queue: is a verification due? */
static inline bool queue_full(struct window *window, __u32 queue_us, __u32 target_us)
{
	if (window->young_rounds)
		return false;
	if (queue_us > target_us + target_us / 4 + QUEUE_FOREIGN_US / 2) {
		if (!window->full_rounds)
			window->onset_x64 = window->law_x64;
		if (window->full_rounds < 255)
			window->full_rounds++;
	} else {
		window->full_rounds = window->full_rounds > 2 ? window->full_rounds - 2 : 0;
	}
	if (window->full_rounds < QUEUE_LONG_ROUNDS)
		return false;
	/* The target grows while the window shrinks, so the window at the onset counts. */
	target_us = window_target_us(window, window->onset_x64);
	return queue_us > 2 * target_us + QUEUE_LONG_US ||
	       window->law_x64 < window->onset_x64 - window->onset_x64 / 4;
}

#endif
