/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The effect of a loss: whether it indicates congestion, how far it reduces the window, and how
 * fast recovery sends. No state of its own; congestion_window.h calls it.
 */
#ifndef SLUICE_PURE_RECOVERY_H
#define SLUICE_PURE_RECOVERY_H

#include <linux/types.h>
#include <stdbool.h>

#include "pure/integer.h"

#define RECOVERY_LEAST 2	  /* packets: below it every packet waits for a delayed ACK */
#define RECOVERY_BETA_OF_1024 717 /* 0.7 (RFC 9438, 4.6): the factor of a loss */

/*
 * A full buffer drops when the queue is longest; a bad link drops at any time. So a loss indicates
 * congestion if the queue was longer than two thirds of the longest known. Two bounds: always if it
 * was longer than one of our flows ever keeps it alone (5 ms, and more where the flow sees its own
 * steps late), never if it was shorter than 1 ms.
 */
#define RECOVERY_QUEUE_LEAST_US 1000
#define RECOVERY_QUEUE_MOST_US 5000
#define RECOVERY_QUEUE_MOST_PART 8 /* of the least RTT: 1/8 */

/*
 * A loss rate above this is congestion whatever the queue: a policer drops without a queue, and on
 * a link that loses so much, other flows need the room as well.
 */
#define RECOVERY_LOSS_OF_1024 41 /* 4 %; BBRv3 accepts at most 2 % */
#define RECOVERY_LOSS_ROUNDS 16	 /* of averaging the loss rate */

static inline __u32 recovery_reduced(__u32 window)
{
	return (__u32)((__u64)window * RECOVERY_BETA_OF_1024 / 1024);
}

/* A queue longer than this is not made by our flows, alone or together. */
static inline __u32 recovery_queue_ours_us(__u32 min_rtt_us)
{
	return integer_greater(min_rtt_us / RECOVERY_QUEUE_MOST_PART, RECOVERY_QUEUE_MOST_US);
}

static inline bool recovery_queue_long(__u32 queue_us, __u32 queue_most_us, __u32 min_rtt_us)
{
	__u32 long_us = integer_greater(queue_most_us / 3 * 2, RECOVERY_QUEUE_LEAST_US);

	return queue_us >= integer_lesser(long_us, recovery_queue_ours_us(min_rtt_us));
}

/* The loss rate after one more round, in 1024ths with 16 fractional bits. */
static inline __u32 recovery_loss(__u32 loss, __u32 lost_packets, __u32 acked_packets)
{
	__u64 all = (__u64)lost_packets + acked_packets;
	__u32 now;

	if (!all)
		return loss;
	now = (__u32)(((__u64)lost_packets << 26) / all);
	return loss - loss / RECOVERY_LOSS_ROUNDS + now / RECOVERY_LOSS_ROUNDS;
}

static inline bool recovery_loss_heavy(__u32 loss)
{
	return loss >> 16 >= RECOVERY_LOSS_OF_1024;
}

/* Input of recovery at an acknowledgement. */
struct recovery {
	__u32 ssthresh_packets;
	__u32 prior_packets;	 /* window when recovery began (RecoverFS) */
	__u32 delivered_packets; /* since recovery began (prr_delivered) */
	__u32 sent_packets;	 /* since recovery began (prr_out) */
	__u32 inflight_packets;
	__u32 acked_packets; /* by this acknowledgement */
	bool advanced;	     /* it moved the oldest unacknowledged byte and found no more losses */
};

/*
 * Proportional rate reduction with the slow start bound (RFC 6937, 3). While more than ssthresh is
 * in flight, ssthresh / prior packets are sent for each one delivered. Below it, recovery catches
 * up by at most the packets delivered plus one.
 */
static inline __u32 recovery_window(const struct recovery *now)
{
	__u32 ssthresh = now->ssthresh_packets;
	__u32 delivered = now->delivered_packets;
	__u32 allowed;

	if (now->inflight_packets > ssthresh) {
		__u32 prior = integer_greater(now->prior_packets, 1);
		__u64 share = ((__u64)ssthresh * delivered + prior - 1) / prior;

		allowed = share > now->sent_packets ? (__u32)share - now->sent_packets : 0;
	} else {
		allowed = delivered > now->sent_packets ? delivered - now->sent_packets : 0;
		allowed = integer_greater(allowed, now->acked_packets);
		if (now->advanced)
			allowed++;
		allowed = integer_lesser(allowed, ssthresh - now->inflight_packets);
	}
	/* The fast retransmit itself always goes out. */
	if (!allowed && !now->sent_packets)
		allowed = 1;
	return now->inflight_packets + allowed;
}

#endif
