/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Just enough tracking: which backend gets a packet whose slot moves, and what is tracked of it.
 *
 *	slot	 begins a connection		continues one
 *	settled	 backend, nothing stored	backend, no look-up (never comes here)
 *	moving	 backend, tracked		what is tracked; else previous, and tracked
 *
 * The invariant. Let a connection be with backend B, which was not down since, and not have been
 * silent for longer than its service's time-out.
 *	While its slot is settled: the slot's backend is B.
 *	While its slot moves: the tables say B, or they do not know it and the slot's previous is B.
 * The other half. No table has an entry of a settled slot that says anything but its backend.
 *
 * Why it holds: a slot that begins to move keeps its backend as previous, and by the other half no
 * table knows better. Further changes leave previous alone, unless it went down and nobody lives
 * there. In a moving slot whatever begins is tracked before it is sent, and so is whatever is
 * found unknown, once and for all. A slot settles (model/sweep.h) only when it moved for longer
 * than the time-out, so that whatever lives was seen and is in the tables, and when no living entry
 * says another backend; afterwards what the tables have of it is deleted. A backend that is removed
 * goes down first, and what is down is never tracked: once no packet is in flight that saw it
 * up, one pass over the tables forgets it for good (purge.bpf.c: whatever still names it, and
 * nothing that a client has begun anew since), and its number may be another's.
 *
 * A SYN enters `half_open`, and its second packet promotes it to `flows`: a flood churns the
 * smaller table alone. UDP has no SYN: a flow begins anew when it was silent for the time-out or
 * its backend is down, and what is unknown is new once the slot has moved for so long.
 */
#ifndef SLUICE_PURE_TRACKING_H
#define SLUICE_PURE_TRACKING_H

#include <stdbool.h>

#include "sluice/service.h"

/* Signed: a slot's time is the end of the second in which its ring was swapped. */
static inline bool tracking_silent(__u32 now_s, __u32 then_s, __u32 timeout_s)
{
	return (__s32)(now_s - then_s) > (__s32)timeout_s;
}

static inline __u32 tracking_half_open_timeout_s(__u32 timeout_s)
{
	return timeout_s < SLUICE_HALF_OPEN_S ? timeout_s : SLUICE_HALF_OPEN_S;
}

enum tracking_packet {
	TRACKING_OPENS,	    /* a SYN, or what stands for one */
	TRACKING_CONTINUES, /* anything else of TCP */
	TRACKING_DATAGRAM,  /* anything else of UDP: may be the first of a flow or not */
};

/* A backend that might get the packet. */
struct tracking_choice {
	__u32 backend; /* 0: nobody */
	__u8 state;    /* enum sluice_backend_state */
	bool lapsed;   /* a tracked one: was silent for longer than the time-out */
};

struct tracking_question {
	enum tracking_packet packet;
	bool fresh; /* a datagram that is unknown begins a flow: the slot has moved for long */
	/* What the slot says; needed only where nothing is in `flows`, or it is not believed. */
	struct tracking_choice backend;
	struct tracking_choice previous;
	/* What the tables say; `half_open` does not matter to what continues and is in `flows`. */
	struct tracking_choice half_open;
	struct tracking_choice established;
};

enum tracking_note {
	TRACKING_NOTHING,
	TRACKING_HALF_OPEN,   /* into `half_open`, and out of `flows` */
	TRACKING_ESTABLISHED, /* into `flows`, and out of `half_open` */
};

struct tracking_answer {
	__u32 backend; /* 0: none */
	enum tracking_note note;
};

static inline struct tracking_answer tracking_known(const struct tracking_choice *choice)
{
	struct tracking_answer answer = {choice->backend, TRACKING_NOTHING};

	return answer;
}

static inline struct tracking_answer tracking_track(const struct tracking_choice *choice,
						    enum tracking_note note)
{
	struct tracking_answer answer = {choice->backend, note};

	if (!choice->backend || choice->state == SLUICE_BACKEND_DOWN)
		answer.note = TRACKING_NOTHING;
	return answer;
}

/*
 * One that is sent again keeps what the first one got: two servers must not both answer. So does a
 * new connection of a 5-tuple that is still tracked, unless its backend takes no more, or it is
 * tracked for so long that a sweep, which is perhaps under way, takes it for dead.
 */
static inline struct tracking_answer tracking_opens(const struct tracking_question *question)
{
	const struct tracking_choice *opening = &question->half_open;
	const struct tracking_choice *established = &question->established;

	if (opening->backend && opening->state == SLUICE_BACKEND_UP && !opening->lapsed)
		return tracking_known(opening);
	if (established->backend && established->state == SLUICE_BACKEND_UP && !established->lapsed)
		return tracking_known(established);
	return tracking_track(&question->backend, TRACKING_HALF_OPEN);
}

static inline struct tracking_answer tracking_continues(const struct tracking_question *question)
{
	if (question->established.backend)
		return tracking_known(&question->established);
	if (question->half_open.backend)
		return tracking_track(&question->half_open, TRACKING_ESTABLISHED);
	return tracking_track(&question->previous, TRACKING_ESTABLISHED);
}

static inline bool tracking_lasts(const struct tracking_choice *choice)
{
	return choice->backend && choice->state != SLUICE_BACKEND_DOWN && !choice->lapsed;
}

static inline struct tracking_answer tracking_datagram(const struct tracking_question *question)
{
	bool unknown = !question->established.backend && !question->half_open.backend;

	if (tracking_lasts(&question->established))
		return tracking_known(&question->established);
	if (tracking_lasts(&question->half_open))
		return tracking_track(&question->half_open, TRACKING_ESTABLISHED);
	if (unknown && !question->fresh && tracking_lasts(&question->previous))
		return tracking_track(&question->previous, TRACKING_ESTABLISHED);
	return tracking_track(&question->backend, TRACKING_ESTABLISHED);
}

static inline struct tracking_answer tracking_decide(const struct tracking_question *question)
{
	switch (question->packet) {
	case TRACKING_OPENS:
		return tracking_opens(question);
	case TRACKING_DATAGRAM:
		return tracking_datagram(question);
	default:
		return tracking_continues(question);
	}
}

#endif
