/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The congestion window as arithmetic: what an acknowledgement, a loss, a time-out and a silence
 * do to it. No maps, no helpers, no kernel types, no clock: `congestion` calls it with what the
 * socket knows, and the unit tests replay acknowledgements against it. The model is explained on
 * top of congestion.bpf.c. Divisions are unsigned: clang 14 has no other for BPF.
 */
#ifndef SLUICE_PURE_WINDOW_H
#define SLUICE_PURE_WINDOW_H

#include <linux/types.h>
#include <stdbool.h>

#include "sluice/congestion.h"

#define WINDOW_INITIAL 10	   /* packets (RFC 6928) */
#define WINDOW_LEAST 2		   /* packets: below it every packet waits for a delayed ACK */
#define WINDOW_ENDLESS 0x7fffffffu /* the kernel's own "no slow start threshold yet" */

#define WINDOW_QUEUE_PACKETS 6 /* alpha: what a flow keeps queued at its bottleneck */
/*
 * Delay up to this is tolerated: much of it is the hosts' own scheduling, and a standing queue of
 * so much is what RFC 8289 (4.2) calls good. Less of it, and a flow whose RTT is below its hosts'
 * noise would shrink for nothing.
 */
#define WINDOW_TOLERATED_US 4000
#define WINDOW_BETA_OF_1024 717 /* 0.7 (RFC 9438, 4.6): what a loss leaves of the window */

/*
 * A round lasts an RTT, and at least so long: over shorter ones the least RTT is a matter of luck
 * on busy hosts, and a policy's small window would shrink with every hiccup.
 */
#define WINDOW_ROUND_LEAST_MS 10

/* HyStart++ (RFC 9406, 4.3), but measured from the path's least RTT, not the last round's. */
#define WINDOW_DELAY_LEAST_US 4000
#define WINDOW_DELAY_MOST_US 16000
#define WINDOW_DELAY_SAMPLES 8 /* so many of a round say enough before it ends */

#define WINDOW_MIN_RTT_LIFE_MS 10000 /* then the least RTT is looked for again */
#define WINDOW_PROBE_ROUNDS 2	     /* one drains our queue, one measures without it */

/* Gains of the pacing rate over window / RTT, of 100: room to grow, and a little to spare. */
#define WINDOW_PACE_SLOW_START 200
#define WINDOW_PACE_AVOIDANCE 120
#define WINDOW_FIRST_RTT_US 1000      /* taken for the RTT while none was measured */
#define WINDOW_RATE_MOST (1ull << 40) /* bytes a second: no limit worth the name */

/* What is remembered of a flow from one acknowledgement to the next. */
struct window {
	__u32 cwnd_packets;
	__u32 ssthresh_packets;
	__u32 min_rtt_us; /* 0: none yet */
	__u32 min_rtt_at_ms;
	__u32 round_rtt_us;	  /* least of this round; 0: no sample in it */
	__u32 reduced_by_packets; /* delivered since recovery began (prr_delivered) */
	__u32 resume_packets;	  /* window before the probe for the least RTT */
	__u8 state;		  /* enum sluice_congestion_state */
	__u8 round_samples;
	__u8 probe_rounds; /* left of the probe; 0: none under way */
	__u8 flags;	   /* enum window_flag */
};

enum window_flag {
	WINDOW_FILLED = 1,    /* in this round the window, and nothing else, held the flow back */
	WINDOW_UNDONE = 2,    /* the loss was none: packets were late */
	WINDOW_RESTARTED = 4, /* after silence; no acknowledgement since */
};

/* One acknowledgement, and the socket as it stands after it. */
struct window_ack {
	__u32 now_ms;
	__u32 rtt_us;	     /* 0: no sample */
	__u32 acked_packets; /* delivered by it, in order or not */
	__u32 lost_packets;  /* found lost by it */
	__u32 inflight_packets;
	__u32 prior_packets;   /* window when recovery began (RecoverFS) */
	__u32 sent_packets;    /* since recovery began (prr_out) */
	__u32 ceiling_packets; /* no window above it: the policy's, the kernel's */
	bool advanced;	       /* the oldest unacknowledged byte moved */
	bool round_ended;      /* it answers a packet sent after the last round's end */
	bool filled;	       /* the window held the flow back */
	bool policed;	       /* the policy, not the window, holds the flow back */
};

static inline __u32 window_lesser(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

static inline __u32 window_greater(__u32 a, __u32 b)
{
	return a > b ? a : b;
}

static inline void window_open(struct window *window, __u32 cwnd_packets, __u32 now_ms)
{
	window->cwnd_packets = cwnd_packets;
	window->ssthresh_packets = WINDOW_ENDLESS;
	window->min_rtt_us = 0;
	window->min_rtt_at_ms = now_ms;
	window->round_rtt_us = 0;
	window->reduced_by_packets = 0;
	window->resume_packets = 0;
	window->state = SLUICE_CONGESTION_SLOW_START;
	window->round_samples = 0;
	window->probe_rounds = 0;
	window->flags = 0;
}

/*
 * The delay law: w <- (w + w * base / RTT + alpha) / 2, rounded to the nearest packet, where base
 * is the least RTT and what is tolerated above it, and no RTT counts as less.
 */
static inline __u32 window_next(__u32 packets, __u32 min_rtt_us, __u32 rtt_us)
{
	__u32 base_us = min_rtt_us + WINDOW_TOLERATED_US;
	__u32 kept_packets = packets;

	if (rtt_us > base_us)
		kept_packets = (__u32)((__u64)packets * base_us / rtt_us);
	return (packets + kept_packets + WINDOW_QUEUE_PACKETS + 1) / 2;
}

/* What a loss or a congestion mark leaves: the slow start threshold (RFC 5681, 3.1). */
static inline __u32 window_after_loss(__u32 packets)
{
	return window_greater((__u32)((__u64)packets * WINDOW_BETA_OF_1024 / 1024), WINDOW_LEAST);
}

/* Slow start has filled the path: a queue has begun to build. */
static inline bool window_queue_builds(__u32 min_rtt_us, __u32 rtt_us)
{
	__u32 tolerated_us = min_rtt_us / 8;

	tolerated_us = window_greater(tolerated_us, WINDOW_DELAY_LEAST_US);
	tolerated_us = window_lesser(tolerated_us, WINDOW_DELAY_MOST_US);
	return rtt_us >= min_rtt_us + tolerated_us;
}

/*
 * Proportional rate reduction with the slow start bound (RFC 6937, 3): while more is in flight
 * than ssthresh, send ssthresh / prior packets for each one delivered; below it, catch up, but
 * never by more than was delivered and one.
 */
static inline __u32 window_reduced(const struct window *window, const struct window_ack *ack)
{
	__u32 ssthresh = window->ssthresh_packets;
	__u32 delivered = window->reduced_by_packets;
	__u32 allowed;

	if (ack->inflight_packets > ssthresh) {
		__u32 prior = window_greater(ack->prior_packets, 1);
		__u64 share = ((__u64)ssthresh * delivered + prior - 1) / prior;

		allowed = share > ack->sent_packets ? (__u32)share - ack->sent_packets : 0;
	} else {
		allowed = delivered > ack->sent_packets ? delivered - ack->sent_packets : 0;
		allowed = window_greater(allowed, ack->acked_packets);
		if (ack->advanced && !ack->lost_packets)
			allowed++;
		allowed = window_lesser(allowed, ssthresh - ack->inflight_packets);
	}
	/* The fast retransmit itself always goes out. */
	if (!allowed && !ack->sent_packets)
		allowed = 1;
	return ack->inflight_packets + allowed;
}

/* The ceiling of a policy in packets: as many whole ones as it holds, and never none. */
static inline __u32 window_of_bytes(__u32 bytes, __u32 mss_bytes)
{
	if (!bytes || !mss_bytes)
		return WINDOW_ENDLESS;
	return window_greater(bytes / mss_bytes, 1);
}

/* Bytes of payload a second that let `packets` leave in `gain` percent of an RTT. */
static inline __u64 window_pacing_rate(__u32 packets, __u32 mss_bytes, __u32 rtt_us, __u32 gain)
{
	if (!rtt_us)
		rtt_us = WINDOW_FIRST_RTT_US;
	return (__u64)packets * mss_bytes * 1000000 / rtt_us * gain / 100;
}

/*
 * TCP's own pacing counts payload alone, a policy what is on the wire from the IP header on:
 * the payload's share of it in packets of full size.
 */
static inline __u64 window_payload_rate(__u64 wire_rate, __u32 mss_bytes, __u32 header_bytes)
{
	if (!mss_bytes || wire_rate >= WINDOW_RATE_MOST)
		return wire_rate;
	return wire_rate * mss_bytes / (mss_bytes + header_bytes);
}

static inline void window_sample_rtt(struct window *window, const struct window_ack *ack)
{
	if (!ack->rtt_us)
		return;
	if (!window->round_rtt_us || ack->rtt_us < window->round_rtt_us)
		window->round_rtt_us = ack->rtt_us;
	if (window->round_samples < 255)
		window->round_samples++;
	if (!window->min_rtt_us || ack->rtt_us <= window->min_rtt_us) {
		window->min_rtt_us = ack->rtt_us;
		window->min_rtt_at_ms = ack->now_ms;
	}
}

/* Slow start has found what it looked for. */
static inline void window_settle(struct window *window)
{
	window->ssthresh_packets = window->cwnd_packets;
	window->state = SLUICE_CONGESTION_AVOIDANCE;
}

/* A policy gave way: what slow start found under it says nothing any more. */
static inline void window_reopen(struct window *window)
{
	if (window->state != SLUICE_CONGESTION_AVOIDANCE)
		return;
	window->ssthresh_packets = WINDOW_ENDLESS;
	window->state = SLUICE_CONGESTION_SLOW_START;
	window->probe_rounds = 0;
}

static inline void window_grow_to_ssthresh(struct window *window, __u32 acked_packets)
{
	__u32 grown = window->cwnd_packets + acked_packets;

	if (window->cwnd_packets < window->ssthresh_packets)
		window->cwnd_packets = window_lesser(grown, window->ssthresh_packets);
}

/*
 * The least RTT has not been seen for long: the path may have changed, or our own queue hides it.
 * Take the last round's for it and, if the queue may be ours, drain it for a round and see.
 */
static inline void window_probe(struct window *window, const struct window_ack *ack)
{
	bool may_be_ours =
		(window->flags & WINDOW_FILLED) && window->cwnd_packets < ack->ceiling_packets;

	window->min_rtt_us = window->round_rtt_us;
	window->min_rtt_at_ms = ack->now_ms;
	if (!may_be_ours || window->cwnd_packets <= 2 * WINDOW_LEAST)
		return;
	window->resume_packets = window->cwnd_packets;
	window->cwnd_packets /= 2;
	window->probe_rounds = WINDOW_PROBE_ROUNDS;
}

static inline void window_avoid(struct window *window, const struct window_ack *ack)
{
	__u32 next;

	if (window->probe_rounds) {
		if (--window->probe_rounds == 0)
			window->cwnd_packets = window->resume_packets;
		return;
	}
	if (!window->round_rtt_us)
		return;
	if (ack->now_ms - window->min_rtt_at_ms > WINDOW_MIN_RTT_LIFE_MS) {
		window_probe(window, ack);
		return;
	}
	/* Who does not fill the window neither tests it nor makes the queue (RFC 7661). */
	if (!(window->flags & WINDOW_FILLED))
		return;
	next = window_next(window->cwnd_packets, window->min_rtt_us, window->round_rtt_us);
	window->cwnd_packets = window_greater(next, WINDOW_LEAST);
}

static inline void window_slow_start(struct window *window, const struct window_ack *ack)
{
	bool told = ack->round_ended || window->round_samples >= WINDOW_DELAY_SAMPLES;

	if (ack->filled)
		window_grow_to_ssthresh(window, ack->acked_packets);
	if (told && window->round_rtt_us &&
	    window_queue_builds(window->min_rtt_us, window->round_rtt_us))
		window_settle(window);
	else if (ack->round_ended && ack->policed)
		window_settle(window);
	else if (window->cwnd_packets >= window->ssthresh_packets)
		window->state = SLUICE_CONGESTION_AVOIDANCE;
}

static inline void window_on_ack(struct window *window, const struct window_ack *ack)
{
	__u32 state = window->state;

	window_sample_rtt(window, ack);
	window->flags &= ~WINDOW_RESTARTED;
	if (ack->filled)
		window->flags |= WINDOW_FILLED;

	if (state == SLUICE_CONGESTION_SLOW_START) {
		window_slow_start(window, ack);
	} else if (state == SLUICE_CONGESTION_AVOIDANCE) {
		if (ack->round_ended)
			window_avoid(window, ack);
	} else if (state == SLUICE_CONGESTION_TIMEOUT) {
		window_grow_to_ssthresh(window, ack->acked_packets);
	} else if (ack->acked_packets) {
		window->reduced_by_packets += ack->acked_packets;
		window->cwnd_packets = window_reduced(window, ack);
	}

	if (ack->round_ended) {
		window->round_rtt_us = 0;
		window->round_samples = 0;
		window->flags &= ~WINDOW_FILLED;
	}
	window->cwnd_packets = window_lesser(window->cwnd_packets, ack->ceiling_packets);
}

/* A loss was repaired by fast retransmit, or a mark came back: ssthresh is what remains. */
static inline void window_on_recovery(struct window *window)
{
	if (window->state == SLUICE_CONGESTION_RECOVERY)
		return;
	window->state = SLUICE_CONGESTION_RECOVERY;
	window->reduced_by_packets = 0;
	window->probe_rounds = 0;
	window->flags &= ~WINDOW_UNDONE;
}

/* The caller has set the window: one packet more than may still be in flight. */
static inline void window_on_timeout(struct window *window)
{
	window->state = SLUICE_CONGESTION_TIMEOUT;
	window->probe_rounds = 0;
	window->flags &= ~WINDOW_UNDONE;
}

/* All that was outstanding at the loss has arrived. */
static inline void window_on_repaired(struct window *window)
{
	if (window->state == SLUICE_CONGESTION_RECOVERY && !(window->flags & WINDOW_UNDONE))
		window->cwnd_packets = window->ssthresh_packets;
	if (window->state == SLUICE_CONGESTION_RECOVERY ||
	    window->state == SLUICE_CONGESTION_TIMEOUT)
		window->state = window->cwnd_packets < window->ssthresh_packets
					? SLUICE_CONGESTION_SLOW_START
					: SLUICE_CONGESTION_AVOIDANCE;
}

/*
 * Nothing was sent for longer than the retransmission time-out: what the window knew has faded,
 * by half each time-out (RFC 5681, 4.1; RFC 7661), and slow start finds it again.
 */
static inline void window_on_silence(struct window *window, __u32 silence, __u32 timeout)
{
	__u32 halvings = window_lesser(timeout ? silence / timeout : 0, 31);
	__u32 before = window->cwnd_packets;

	if (!halvings || (window->flags & WINDOW_RESTARTED) ||
	    (window->state != SLUICE_CONGESTION_SLOW_START &&
	     window->state != SLUICE_CONGESTION_AVOIDANCE))
		return;
	window->flags |= WINDOW_RESTARTED;
	if (window->probe_rounds)
		before = window->resume_packets;
	window->probe_rounds = 0;
	if (before <= WINDOW_INITIAL)
		return;
	window->cwnd_packets = window_greater(before >> halvings, WINDOW_INITIAL);
	window->ssthresh_packets = window_greater(window->ssthresh_packets, before / 4 * 3);
	if (window->cwnd_packets < window->ssthresh_packets)
		window->state = SLUICE_CONGESTION_SLOW_START;
}

#endif
