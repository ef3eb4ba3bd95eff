/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Congestion avoidance, once a round: the delay law (delay_law.h), how delay is measured, steps
 * that double while there is room, and when a queue probe is due (queue.h).
 */
#ifndef SLUICE_PURE_AVOIDANCE_H
#define SLUICE_PURE_AVOIDANCE_H

#include "pure/slow_start.h"

#define WINDOW_MARKED_ROUNDS 16	   /* rounds for which a mark limits growth */
#define WINDOW_CALM_ROUNDS 3	   /* rounds below half the target before steps up double */
#define WINDOW_CALM_ROUNDS_MOST 24 /* and after which they double no further */
#define WINDOW_STEP_MOST 8	   /* of the window: 1/8, the largest step up */

/*
 * The delay law. While the queue stays below half of the target, capacity has become free, and the
 * steps up double every other round. When the queue returns, the last one and a half steps are
 * undone, because this round's delay does not show them yet.
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
 * A recent mark bounds growth: fast growth up to the window at which the mark came, then one packet
 * a round, as in DCTCP (RFC 8257, 3.5: as RFC 5681).
 */
static inline __u32 window_limit_by_mark(struct window *window, __u32 next)
{
	__u32 slow = window->law_x64 + LAW_ONE * window->weight;
	__u32 most = integer_greater(window->marked_x64, slow);

	if (!window->marked_rounds)
		return next;
	window->marked_rounds--;
	if (next <= most)
		return next;
	window->calm_rounds = 0;
	return most;
}

/*
 * The RTT for the law. The minimum of many samples is lower than that of few, so a flow that sends
 * more would see a shorter queue than others and take more than its share. Hence the mean over
 * groups of samples of each group's minimum, unless delays vary by more than bursts can cause.
 */
static inline __u32 window_seen_rtt_us(const struct window *window)
{
	if (!window->parts)
		return window->round_rtt_us;
	return integer_lesser(window->parts_us / window->parts,
			      window->round_rtt_us + LAW_MARGIN_US);
}

static inline void window_avoid_round(struct window *window, const struct window_ack *ack)
{
	__u32 target_us = window_target_us(window, window->law_x64);
	__u32 queue_us;

	window->round_rtt_us = window_seen_rtt_us(window);
	queue_us = window->round_rtt_us - window->min_rtt_us;

	if (window_false_alarm(window, queue_us, target_us)) {
		window_reopen(window);
		return;
	}
	if (queue_full(window, queue_us, target_us)) {
		queue_probe_begin(window, WINDOW_VERIFY);
		return;
	}
	if ((__s32)(ack->now_ms - window->probe_at_ms) >= 0 && !window->young_rounds) {
		window->calm_rounds = 0;
		queue_probe_begin(window, WINDOW_DIP);
		return;
	}
	window->law_x64 =
		window_limit_by_mark(window, window_follow_delay(window, queue_us, target_us));
}

#endif
