/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Just enough tracking: the backend of a packet whose ring slot moves, and what is tracked of its
 * flow.
 *
 *	slot	 new connection			packet in mid-connection
 *	settled	 backend, nothing stored	backend, no lookup (not handled here)
 *	moving	 backend, tracked		the tracked backend; if unknown: previous, tracked
 *
 * Invariant 1. Let a connection be with backend B, let B not have been down since, and let the
 * connection not have been silent for longer than its service's time-out.
 *	While its slot is settled: the slot's backend is B.
 *	While its slot moves: the tables say B, or have no entry and the slot's previous is B.
 * Invariant 2. No table has an entry of a settled slot with another backend than the slot's.
 *
 * Why they hold. A slot that begins to move keeps its backend as previous, and by invariant 2 no
 * table disagrees. Further changes keep previous, unless that backend went down and has no live
 * connection. In a moving slot every new connection is tracked before its packet is sent, and so is
 * every unknown flow. A slot settles (model/sweep.h) only after it moved for longer than the
 * time-out, so that every live connection was seen and is in the tables, and only if no live entry
 * has another backend. Then its entries are deleted. A backend goes down before it is removed, and
 * a backend that is down is never tracked. Once no packet is in progress that saw it up, one pass
 * over the tables makes all entries void that still name it (purge.bpf.c). Then its number can be
 * reused.
 *
 * A SYN enters `half_open`, and its second packet promotes it to `flows`: a SYN flood evicts
 * entries of the smaller table only. UDP has no SYN: a flow counts as new if it was silent for the
 * time-out or its backend is down; an unknown flow counts as new once the slot has moved for the
 * time-out.
 */
#ifndef SLUICE_PURE_TRACKING_H
#define SLUICE_PURE_TRACKING_H

#include <stdbool.h>

#include "sluice/service.h"

/* Signed, because a slot's time is in the future: the end of the second of its ring's swap. */
static inline bool tracking_silent(__u32 now_s, __u32 then_s, __u32 timeout_s)
{
	return (__s32)(now_s - then_s) > (__s32)timeout_s;
}

static inline __u32 tracking_half_open_timeout_s(__u32 timeout_s)
{
	return timeout_s < SLUICE_HALF_OPEN_S ? timeout_s : SLUICE_HALF_OPEN_S;
}

enum tracking_packet {
	TRACKING_OPENS,	    /* a SYN, or QUIC's Initial */
	TRACKING_CONTINUES, /* any other TCP packet */
	TRACKING_DATAGRAM,  /* any other UDP packet: may be the first of a flow */
};

/* A candidate backend. */
struct tracking_choice {
	__u32 backend; /* 0: none */
	__u8 state;    /* enum sluice_backend_state */
	bool lapsed;   /* if tracked: the flow was silent for longer than the time-out */
};

struct tracking_question {
	enum tracking_packet packet;
	bool fresh; /* an unknown datagram begins a flow: the slot has moved for the time-out */
	/* Of the slot. Not needed for a packet in mid-connection with an entry in `flows`. */
	struct tracking_choice backend;
	struct tracking_choice previous;
	/* Of the tables. `half_open` is not needed for such a packet either. */
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
 * A retransmitted SYN keeps the backend of the first one, because two servers must not both answer.
 * So does a new connection of a 5-tuple that is still tracked, unless its backend takes no new
 * connections, or the entry has lapsed: a sweep in progress may count it as dead.
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
