/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * State of a flow's congestion window between acknowledgements, and the content of an
 * acknowledgement. Shared by congestion_window.h and the headers it uses.
 */
#ifndef SLUICE_PURE_WINDOW_STATE_H
#define SLUICE_PURE_WINDOW_STATE_H

#include <linux/types.h>
#include <stdbool.h>

#include "pure/cubic.h"
#include "pure/delay_law.h"
#include "pure/integer.h"
#include "pure/marks.h"
#include "pure/recovery.h"
#include "sluice/congestion.h"

#define WINDOW_INITIAL 10 /* packets (RFC 6928) */
#define WINDOW_LEAST RECOVERY_LEAST
#define WINDOW_LEAST_X64 (WINDOW_LEAST * LAW_ONE)
#define WINDOW_ENDLESS 0x7fffffffu /* the kernel's "no slow start threshold yet" */

/*
 * A round lasts an RTT, and at least so long. Over shorter rounds the minimum is random on busy
 * hosts, and a policy's small window would shrink at every hiccup.
 */
#define WINDOW_ROUND_LEAST_MS 10
#define WINDOW_ROUND_SAMPLES 4 /* of the RTT, at least, except in slow start */
#define WINDOW_PART_SAMPLES 8

struct window {
	__u32 cwnd_packets;
	__u32 ssthresh_packets;
	__u32 law_x64;	  /* window of the mode's law, 64ths of a packet */
	__u32 kept_x64;	  /* the window before a probe; in calm rounds: the last step up */
	__u32 marked_x64; /* the window at the last mark */
	__u32 onset_x64;  /* the window when the queue became too long */
	__u32 min_rtt_us; /* 0: none yet */
	__u32 min_rtt_at_ms;
	__u32 path_rtt_us;   /* least RTT of the dips since min_rtt_us was measured; 0: none */
	__u32 rtt_us;	     /* last sample */
	__u32 round_rtt_us;  /* least of this round; 0: no sample in it */
	__u32 part_rtt_us;   /* least of the last few samples; 0: none since the last part ended */
	__u32 parts_us;	     /* sum of these over the whole parts of the round */
	__u32 block_rtt_us;  /* slow start: least of the last samples; probe: of the round before */
	__u32 queue_most_us; /* longest queue known */
	__u32 probe_at_ms;   /* when the next queue probe is due */
	__u32 weight;	     /* of the flow, at a shared bottleneck */
	__u32 loss;	     /* loss rate (recovery_loss) */
	__u32 lost_packets;  /* in this round */
	__u32 acked_packets; /* in this round */
	__u32 reduced_by_packets; /* delivered since recovery began (prr_delivered) */
	struct cubic cubic;
	struct marks marks;
	__u8 state;	    /* enum sluice_congestion_state */
	__u8 mode;	    /* the law in force: the state, apart from recovery and time-out */
	__u8 flags;	    /* enum window_flag */
	__u8 probe;	    /* enum window_probe */
	__u8 probe_rounds;  /* left of the probe; 0: none runs */
	__u8 round_samples; /* of the RTT; in slow start: of its block */
	__u8 part_samples;
	__u8 parts;	    /* whole parts in this round */
	__u8 young_rounds;  /* left until slow start's own queue has drained */
	__u8 resumes;	    /* resumptions of slow start after a false alarm */
	__u8 marked_rounds; /* left in which the last mark counts */
	__u8 calm_rounds;   /* in a row with less than half of the target queue */
	__u8 full_rounds;   /* with a queue longer than the target */
	__u8 drains;	    /* in a row that found other traffic */
	__u8 steady_drains; /* in a row that found the same queue */
	__u8 share;	    /* of the bottleneck, 256ths; 0: not known */
	bool ramp;	    /* competing began here: grow until the first loss */
};

enum window_flag {
	WINDOW_FILLED = 1,    /* in this round the window alone limited the flow */
	WINDOW_UNDONE = 2,    /* the loss was false: packets were late */
	WINDOW_RESTARTED = 4, /* after silence; no acknowledgement since */
	WINDOW_CONGESTED = 8, /* the loss under repair indicated congestion */
};

/* Why the kernel requests a smaller window. */
enum window_cause {
	WINDOW_LOST,	/* a loss; the queue tells whether it is congestion */
	WINDOW_MARKED,	/* a mark: certainly congestion (RFC 3168, 6.1.2) */
	WINDOW_CERTAIN, /* also certain: a time-out, the queue of this host */
};

/* An acknowledgement, and the socket after it. */
struct window_ack {
	__u32 now_ms;
	__u32 rtt_us;	      /* 0: no sample */
	__u32 acked_packets;  /* delivered by it, in order or not */
	__u32 lost_packets;   /* found lost by it */
	__u32 marked_packets; /* of the delivered, marked by the path */
	__u32 acknowledged;   /* sequence number: all before it has arrived */
	__u32 inflight_packets;
	__u32 prior_packets;   /* window when recovery began (RecoverFS) */
	__u32 sent_packets;    /* since recovery began (prr_out) */
	__u32 ceiling_packets; /* upper bound of the window: the policy's, the kernel's */
	bool advanced;	       /* the oldest unacknowledged byte moved */
	bool in_order;	       /* and nothing is missing behind it */
	bool round_ended;      /* acknowledges a packet sent after the last round ended */
	bool filled;	       /* the window limited the flow */
	bool policed;	       /* the policy, not the window, limits the flow */
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

/* Changes the law in force. The state shows it once recovery and time-out are over. */
static inline void window_enter(struct window *window, __u8 mode)
{
	if (window->state == window->mode)
		window->state = mode;
	window->mode = mode;
	window->probe_rounds = 0;
	window->full_rounds = 0;
	window->calm_rounds = 0;
}

#endif
