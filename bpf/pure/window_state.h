/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is tracked of a flow's window from one acknowledgement to the next, and what an
 * acknowledgement says. queue.h and window.h work on it.
 */
#ifndef SLUICE_PURE_WINDOW_STATE_H
#define SLUICE_PURE_WINDOW_STATE_H

#include <linux/types.h>
#include <stdbool.h>

#include "pure/cubic.h"
#include "pure/integer.h"
#include "pure/delay_law.h"
#include "pure/marks.h"
#include "pure/recovery.h"
#include "sluice/congestion.h"

#define WINDOW_INITIAL 10 /* packets (RFC 6928) */
#define WINDOW_LEAST RECOVERY_LEAST
#define WINDOW_LEAST_X64 (WINDOW_LEAST * LAW_ONE)
#define WINDOW_ENDLESS 0x7fffffffu /* the kernel's own "no slow start threshold yet" */

/*
 * A round lasts an RTT, and at least so long: over shorter ones the least RTT is a matter of luck
 * on busy hosts, and a policy's small window would shrink with every hiccup.
 */
#define WINDOW_ROUND_LEAST_MS 10
#define WINDOW_ROUND_SAMPLES 4 /* of the RTT, at least, but in slow start */
#define WINDOW_PART_SAMPLES 8

struct window {
	__u32 cwnd_packets;
	__u32 ssthresh_packets;
	__u32 law_x64;	  /* what the law of the mode allows, 64ths of a packet */
	__u32 kept_x64;	  /* the window before a look beneath; in calm rounds: the last step */
	__u32 marked_x64; /* the window when a mark came last */
	__u32 crowd_x64;  /* the window when the queue began to be too long */
	__u32 min_rtt_us; /* 0: none yet */
	__u32 min_rtt_at_ms;
	__u32 path_rtt_us;  /* least that dips saw since min_rtt_us was seen; 0: none */
	__u32 rtt_us;	    /* last sample */
	__u32 round_rtt_us; /* least of this round; 0: no sample in it */
	__u32 part_rtt_us;  /* least of the last few samples; 0: none since the last part ended */
	__u32 parts_us;	    /* sum of these, over the round's whole parts */
	__u32 block_rtt_us; /* slow start: least of the last samples; a look: of the round before */
	__u32 queue_most_us;	  /* longest queue known */
	__u32 turn_at_ms;	  /* of the next look beneath the queue */
	__u32 weight;		  /* shares of a bottleneck are by it */
	__u32 loss;		  /* part of all packets that is lost (recovery_loss) */
	__u32 lost_packets;	  /* in this round */
	__u32 acked_packets;	  /* in this round */
	__u32 reduced_by_packets; /* delivered since recovery began (prr_delivered) */
	struct cubic cubic;
	struct marks marks;
	__u8 state;	    /* enum sluice_congestion_state */
	__u8 mode;	    /* the state without recovery and time-out: the law that is followed */
	__u8 flags;	    /* enum window_flag */
	__u8 look;	    /* enum window_look */
	__u8 look_rounds;   /* left of it; 0: none under way */
	__u8 round_samples; /* of the RTT; in slow start: in its block */
	__u8 part_samples;
	__u8 parts;	    /* whole ones in this round */
	__u8 young_rounds;  /* left until slow start's own queue is purged */
	__u8 resumes;	    /* of slow start after an early end */
	__u8 marked_rounds; /* left until that mark is purged */
	__u8 calm_rounds;   /* in a row, with less than half of the queue aimed at */
	__u8 full_rounds;   /* with more queue than aimed at */
	__u8 drains;	    /* that found others' queue, in a row */
	__u8 steady_drains; /* that left the same, in a row */
	__u8 share;	    /* of the bottleneck, 256ths; 0: not known */
	bool ramp;	    /* competing began here: grow until the first loss */
};

enum window_flag {
	WINDOW_FILLED = 1,    /* in this round the window, and nothing else, held the flow back */
	WINDOW_UNDONE = 2,    /* the loss was none: packets were late */
	WINDOW_RESTARTED = 4, /* after silence; no acknowledgement since */
	WINDOW_CONGESTED = 8, /* the loss under repair told of congestion */
};

/* Why the kernel asks for a smaller window. */
enum window_cause {
	WINDOW_LOST,	/* something is lost; whether that is congestion, the queue tells */
	WINDOW_MARKED,	/* the peer says so: congestion beyond doubt (RFC 3168, 6.1.2) */
	WINDOW_CERTAIN, /* beyond doubt, too: a time-out, our own host's queue */
};

/* One acknowledgement, and the socket as it stands after it. */
struct window_ack {
	__u32 now_ms;
	__u32 rtt_us;	      /* 0: no sample */
	__u32 acked_packets;  /* delivered by it, in order or not */
	__u32 lost_packets;   /* found lost by it */
	__u32 marked_packets; /* of the delivered, marked as having met congestion */
	__u32 acknowledged;   /* sequence number: all before it has arrived */
	__u32 inflight_packets;
	__u32 prior_packets;   /* window when recovery began (RecoverFS) */
	__u32 sent_packets;    /* since recovery began (prr_out) */
	__u32 ceiling_packets; /* no window above it: the policy's, the kernel's */
	bool advanced;	       /* the oldest unacknowledged byte moved */
	bool in_order;	       /* and nothing is missing behind it */
	bool round_ended;      /* it answers a packet sent after the last round's end */
	bool filled;	       /* the window held the flow back */
	bool policed;	       /* the policy, not the window, holds the flow back */
};

/* By the last sample. */
static inline __u32 window_queue_us(const struct window *window)
{
	return window->rtt_us > window->min_rtt_us ? window->rtt_us - window->min_rtt_us : 0;
}

static inline __u32 window_target_us(const struct window *window, __u32 window_x64)
{
	return law_target_us(window_x64, window->round_rtt_us, window->weight);
}

/* The law that is followed from now on; it shows when recovery and time-out are over. */
static inline void window_enter(struct window *window, __u8 mode)
{
	if (window->state == window->mode)
		window->state = mode;
	window->mode = mode;
	window->look_rounds = 0;
	window->full_rounds = 0;
	window->calm_rounds = 0;
}

#endif
