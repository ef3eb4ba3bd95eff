/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Avoidance: the delay law (law.h), once a round, and what is beside it: how delay is read, steps
 * that double while there is room, and when it is time to look whose queue it is (queue.h).
 */
#ifndef SLUICE_PURE_AVOIDANCE_H
#define SLUICE_PURE_AVOIDANCE_H

#include "pure/slow_start.h"

#define WINDOW_MARKED_ROUNDS 16	   /* that a mark is tracked */
#define WINDOW_CALM_ROUNDS 3	   /* then steps up double every other round, */
#define WINDOW_CALM_ROUNDS_MOST 24 /* so many times at most, */
#define WINDOW_STEP_MOST 8	   /* to an eighth of the window */

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
 * Where a mark came not long ago there is no more room than it left then: quickly back to where it
 * came, and from there a packet a round, as DCTCP does (RFC 8257, 3.5: as RFC 5681).
 */
static inline __u32 window_heed_mark(struct window *window, __u32 next)
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
	if (queue_full(window, queue_us, target_us)) {
		queue_look(window, WINDOW_VERIFY);
		return;
	}
	if ((__s32)(ack->now_ms - window->turn_at_ms) >= 0 && !window->young_rounds) {
		window->calm_rounds = 0;
		queue_look(window, WINDOW_DIP);
		return;
	}
	window->law_x64 =
		window_heed_mark(window, window_follow_delay(window, queue_us, target_us));
}

#endif
