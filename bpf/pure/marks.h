/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Congestion marks (ECN) as the peer echoes them. A classic receiver (RFC 3168, 6.1.3) echoes from
 * the first mark until it receives our answer (CWR): an echo says only that there was a mark. An
 * accurate receiver (RFC 8257, 3.2) echoes each mark: the share of echoes is the share of marks.
 *
 * Both negotiate alike, but a classic receiver never does this: an echo, and then no echo before
 * our answer can have reached it. Loss and reordering do not imitate that, because acknowledgements
 * that each move the oldest unacknowledged byte were sent in that order. An earlier answer that was
 * declared lost and arrives nevertheless does. So three such observations are required, and an
 * answer at which the peer behaves like a classic one takes one back. No state of its own;
 * congestion_window.h calls it.
 */
#ifndef SLUICE_PURE_MARKS_H
#define SLUICE_PURE_MARKS_H

#include <linux/types.h>
#include <stdbool.h>

#include "pure/integer.h"

#define MARKS_ALL 65536		/* the share if every packet is marked */
#define MARKS_ROUNDS 16		/* of averaging the share: g = 1/16 (RFC 8257, 3.3) */
#define MARKS_CONFIDENT 3	/* observations after which the peer counts as accurate */
#define MARKS_CONFIDENCE_MOST 6 /* cap: four contrary observations revoke it */
#define MARKS_NEGOTIATED 255	/* Accurate ECN (RFC 9768): certain */
#define MARKS_CLASSIC_ECHOES 4	/* echoes without a gap that count as classic behaviour */

enum marks_watch {
	MARKS_NO_ANSWER, /* no answer is in flight */
	MARKS_ANSWERED,	 /* the next acknowledgement tells whether the answer was to a mark */
	MARKS_WATCHED,	 /* it was: a classic peer echoes until the answer arrives */
	MARKS_SEEN,	 /* the peer stopped echoing, or nothing can be observed */
};

struct marks {
	__u32 share;	      /* of all packets, averaged (DCTCP.Alpha); MARKS_ALL at the start */
	__u32 marked_packets; /* in this round */
	__u32 answer_at;      /* sequence number: the first packet that can carry our last answer */
	__u8 watch;	      /* enum marks_watch */
	__u8 echoes;	      /* acknowledgements that echo, since our last answer */
	__u8 confidence;      /* observations of an accurate peer */
	bool echoing;	      /* the last acknowledgement echoed a mark */
};

/* An acknowledgement that delivered packets. */
struct marks_ack {
	__u32 acknowledged;   /* sequence number: all before it has arrived */
	__u32 marked_packets; /* of those it delivered */
	bool in_order; /* moved the oldest unacknowledged byte, and nothing is missing behind it */
};

static inline bool marks_accurate(const struct marks *marks)
{
	return marks->confidence >= MARKS_CONFIDENT;
}

/* As published in 8 bits, which MARKS_ALL exceeds. */
static inline __u8 marks_share_256(const struct marks *marks)
{
	return (__u8)(integer_lesser(marks->share, MARKS_ALL - 1) >> 8);
}

/* Has our last answer arrived? Then the observation ends. */
static inline void marks_judge(struct marks *marks, __u32 acknowledged)
{
	if (!marks->watch || (__s32)(acknowledged - marks->answer_at) <= 0)
		return;
	if (marks->watch == MARKS_WATCHED && marks->echoes >= MARKS_CLASSIC_ECHOES &&
	    marks->confidence && marks->confidence != MARKS_NEGOTIATED)
		marks->confidence--;
	marks->watch = MARKS_NO_ANSWER;
}

/*
 * The kernel reduces the window. The next new packet, at `next`, tells the peer. Two answers in
 * flight at once cannot be told apart.
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
		if (marks->echoes < MARKS_CLASSIC_ECHOES)
			marks->echoes++;
	} else if (ack->in_order) {
		if (marks->confidence < MARKS_CONFIDENCE_MOST)
			marks->confidence++;
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

/* The window reduced by half of the share of marks. */
static inline __u32 marks_reduced(const struct marks *marks, __u32 window)
{
	return window - (__u32)((__u64)window * marks->share / (2 * MARKS_ALL));
}

#endif
