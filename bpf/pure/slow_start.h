/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Slow start: one packet more for each delivered, until a queue builds (HyStart++), the window
 * reaches ssthresh, or the policy limits the flow. If there is no queue three rounds later, the end
 * was a false alarm, and slow start resumes. congestion_window.h calls it at every acknowledgement;
 * avoidance.h follows it.
 */
#ifndef SLUICE_PURE_SLOW_START_H
#define SLUICE_PURE_SLOW_START_H

#include "pure/queue.h"

/* HyStart++ (RFC 9406, 4.3), but measured from the path's least RTT, not the last round's. */
#define WINDOW_DELAY_LEAST_US 4000
#define WINDOW_DELAY_MOST_US 16000
#define WINDOW_DELAY_SAMPLES 8 /* enough to decide before the round ends */

#define WINDOW_YOUNG_ROUNDS 8 /* until the queue of slow start itself has drained */
#define WINDOW_RESUMES_MOST 2 /* of slow start, after ends that may have been false alarms */

/* Has slow start filled the path? A queue has begun to build. */
static inline bool window_queue_builds(__u32 min_rtt_us, __u32 rtt_us, __u32 doublings)
{
	__u32 tolerated_us = min_rtt_us / 8;

	tolerated_us = integer_greater(tolerated_us, WINDOW_DELAY_LEAST_US);
	tolerated_us = integer_lesser(tolerated_us, WINDOW_DELAY_MOST_US);
	return rtt_us >= min_rtt_us + (tolerated_us << doublings);
}

/* Slow start ends. */
static inline void window_settle(struct window *window, __u32 now_ms)
{
	window->ssthresh_packets = window->law_x64 / LAW_ONE;
	window_avoid_from(window, now_ms);
}

/* Resumes slow start: a policy was loosened, or its end was a false alarm. */
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
		/* What is acknowledged now was sent when the window was half as large. */
		window->law_x64 = integer_greater(window->law_x64 / 8 * 5, WINDOW_LEAST_X64);
		window_settle(window, ack->now_ms);
		window->young_rounds = WINDOW_YOUNG_ROUNDS;
	} else if ((ack->round_ended && ack->policed) || packets >= window->ssthresh_packets) {
		window_settle(window, ack->now_ms);
	}
}

/* Did slow start end by a false alarm? There is no queue three rounds after it. */
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

#endif
