/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the peer's echoes of congestion marks (ECN) tell. A classic receiver (RFC 3168, 6.1.3)
 * echoes from the first mark until it has our answer (CWR), so that an echo says only that there
 * was a mark. An accurate one (RFC 8257, 3.2) echoes each mark, so that the share of echoes is the
 * share of marks. The two negotiate alike, but one thing no classic receiver does: an echo, and
 * then, before our answer can have reached it, none. Nor can loss or reordering feign it, since
 * acknowledgements that each move the oldest unacknowledged byte were sent in that order; an
 * earlier answer that was given up as lost and comes all the same can. So it takes three of them,
 * and an answer at which a peer did as a classic one does takes one back. No state of its own:
 * window.h calls it.
 */
#ifndef SLUICE_PURE_MARKS_H
#define SLUICE_PURE_MARKS_H

#include <linux/types.h>
#include <stdbool.h>

#include "pure/integer.h"

#define MARKS_ALL 65536	     /* the share when every packet is marked */
#define MARKS_ROUNDS 16	     /* over which the share is averaged: g = 1/16 (RFC 8257, 3.3) */
#define MARKS_BELIEVED 3     /* of the answers that showed how the peer echoes: it is accurate */
#define MARKS_BELIEF_MOST 6  /* so many answers that show nothing of the kind take it back */
#define MARKS_NEGOTIATED 255 /* Accurate ECN (RFC 9768): no doubt */
#define MARKS_TELLING 4	     /* echoes and nothing else, before they speak for a classic peer */

enum marks_watch {
	MARKS_NO_ANSWER, /* is on its way */
	MARKS_ANSWERED,	 /* the next acknowledgement says whether it was a mark that we answer */
	MARKS_WATCHED,	 /* it was: until the answer arrives, a classic peer goes on echoing */
	MARKS_SEEN,	 /* it did not; or nothing can be said */
};

struct marks {
	__u32 share;	      /* of all packets, averaged (DCTCP.Alpha); MARKS_ALL at first */
	__u32 marked_packets; /* in this round */
	__u32 answer_at;      /* sequence number: no packet before it carries our last answer */
	__u8 watch;	      /* enum marks_watch */
	__u8 echoes;	      /* acknowledgements that echo, since we answered */
	__u8 belief;	      /* that the peer is accurate: answers that showed it */
	bool echoing;	      /* the last acknowledgement did */
};

/* An acknowledgement that delivered packets. */
struct marks_ack {
	__u32 acknowledged;   /* sequence number: all before it has arrived */
	__u32 marked_packets; /* of those it delivered */
	bool in_order; /* it moved the oldest unacknowledged byte; nothing is missing behind it */
};

static inline bool marks_accurate(const struct marks *marks)
{
	return marks->belief >= MARKS_BELIEVED;
}

/* As it is published: MARKS_ALL does not fit. */
static inline __u8 marks_share_256(const struct marks *marks)
{
	return (__u8)(integer_lesser(marks->share, MARKS_ALL - 1) >> 8);
}

/* Has our last answer arrived? What the peer did until then is then all there is to see. */
static inline void marks_judge(struct marks *marks, __u32 acknowledged)
{
	if (!marks->watch || (__s32)(acknowledged - marks->answer_at) <= 0)
		return;
	if (marks->watch == MARKS_WATCHED && marks->echoes >= MARKS_TELLING && marks->belief &&
	    marks->belief != MARKS_NEGOTIATED)
		marks->belief--;
	marks->watch = MARKS_NO_ANSWER;
}

/*
 * The kernel has us reduce the window, and the first new packet from now on, at `next`, tells the
 * peer. Two answers on their way at once are too much to tell apart.
 */
static inline void marks_on_answer(struct marks *marks, __u32 acknowledged, __u32 next)
{
	marks_judge(marks, acknowledged);
	marks->watch = marks->watch ? MARKS_SEEN : MARKS_ANSWERED;
	marks->answer_at = next;
	marks->echoes = 0;
}

static inline void marks_on_ack(struct marks *marks, const struct marks_ack *ack)
{
	marks->marked_packets += ack->marked_packets;
	marks->echoing = ack->marked_packets != 0;
	if (!marks->watch)
		return;
	marks_judge(marks, ack->acknowledged);
	if (marks->watch == MARKS_ANSWERED)
		marks->watch = marks->echoing ? MARKS_WATCHED : MARKS_SEEN;
	if (marks->watch != MARKS_WATCHED)
		return;
	if (marks->echoing) {
		if (marks->echoes < MARKS_TELLING)
			marks->echoes++;
	} else if (ack->in_order) {
		if (marks->belief < MARKS_BELIEF_MOST)
			marks->belief++;
		marks->watch = MARKS_SEEN;
	}
}

/* The share after one more round: alpha <- alpha + g * (F - alpha) (RFC 8257, 3.3). */
static inline void marks_end_round(struct marks *marks, __u32 acked_packets)
{
	__u32 marked = integer_lesser(marks->marked_packets, acked_packets);
	__u32 now;

	marks->marked_packets = 0;
	if (!acked_packets)
		return;
	now = (__u32)((__u64)marked * MARKS_ALL / acked_packets);
	marks->share = marks->share - marks->share / MARKS_ROUNDS + now / MARKS_ROUNDS;
}

/* The window less half of the share of marks. */
static inline __u32 marks_reduced(const struct marks *marks, __u32 window)
{
	return window - (__u32)((__u64)window * marks->share / (2 * MARKS_ALL));
}

#endif
