/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Competing with senders that fill buffers: CUBIC's curve (cubic.h), steeper for a flow with too
 * small a share, until the link has room again or no other traffic remains (queue.h).
 */
#ifndef SLUICE_PURE_COMPETE_H
#define SLUICE_PURE_COMPETE_H

#include "pure/queue.h"

#define WINDOW_RAMP 4		/* competing begins with +1/4 a round */
#define WINDOW_PATIENCE_MS 4000 /* with no long queue so long after a drain was due: no others */

/*
 * Among senders like cubic, a share below a third of the bottleneck is too small. Then the curve
 * runs twice as fast, and a loss reduces the window by no more than CUBIC's fast convergence would.
 */
#define WINDOW_LOW_SHARE 85 /* 256ths */
#define WINDOW_LOW_SHARE_SPEED 2
#define WINDOW_LOW_SHARE_BETA_OF_1024 870 /* 0.85 */

static inline bool window_share_is_low(const struct window *window)
{
	return window->share && window->share < WINDOW_LOW_SHARE;
}

/* Competing: is a drain due, or is there no other traffic any more? */
static inline bool window_probe_due(struct window *window, __u32 queue_us, __u32 now_ms)
{
	bool long_queue = queue_foreign(window, queue_us, window->law_x64, 5);
	__s32 since_ms = (__s32)(now_ms - window->probe_at_ms);

	if (since_ms < 0)
		return false;
	/* Near its longest, where our part of the queue can be told from the others'. */
	if (long_queue && queue_us > window->queue_most_us / 4 * 3) {
		queue_probe_begin(window, WINDOW_DRAIN);
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

static inline void window_compete_round(struct window *window, const struct window_ack *ack)
{
	__u32 rtt_us = window->round_rtt_us;
	__u32 queue_us = rtt_us - window->min_rtt_us;
	__u32 since_ms = ack->now_ms - window->cubic.epoch_ms + rtt_us / 1000;
	__u32 speed = window_share_is_low(window) ? WINDOW_LOW_SHARE_SPEED : 1;
	__u32 target_us = window_target_us(window, window->law_x64);
	__u32 next;

	if (window_probe_due(window, queue_us, ack->now_ms))
		return;
	if (window->ramp) {
		window->law_x64 += window->law_x64 / WINDOW_RAMP;
		cubic_begin(&window->cubic, window->law_x64, window->law_x64, ack->now_ms);
		return;
	}
	next = cubic_at(&window->cubic, since_ms * speed);
	window->cubic.friend_x64 += CUBIC_FRIEND_X64 * speed;
	next = integer_greater(next, window->cubic.friend_x64);
	/* The delay law takes the room that no other flow uses. */
	if (queue_us < target_us)
		next = integer_greater(
			next, law_next(window->law_x64, window->min_rtt_us, rtt_us, target_us));
	if (next > window->law_x64)
		window->law_x64 = integer_lesser(next, window->law_x64 + window->law_x64 / 2);
}

static inline void window_reduce_competing(struct window *window, __u32 top_x64, __u32 now_ms)
{
	__u32 aim_x64 = top_x64;

	if (window_share_is_low(window)) {
		window->law_x64 = (__u32)((__u64)top_x64 * WINDOW_LOW_SHARE_BETA_OF_1024 / 1024);
	} else {
		window->law_x64 = recovery_reduced(top_x64);
		/*
		 * Fast convergence (RFC 9438, 4.7): a flow that loses ground yields it to
		 * newcomers.
		 */
		if (top_x64 < window->cubic.top_x64)
			aim_x64 = (__u32)((__u64)top_x64 * (1024 + RECOVERY_BETA_OF_1024) / 2048);
	}
	cubic_begin(&window->cubic, window->law_x64, aim_x64, now_ms);
	window->ramp = false;
}

#endif
