/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Passive measurement of a flow's round trip. One sequence number of the server's is marked at a
 * time; the client's first ACK past it ends the measurement. A retransmission is not timed (Karn's
 * algorithm, RFC 6298, 3). The minimum over some seconds is the path's own RTT without the queue of
 * the flow itself, so a window that follows from it does not feed that queue.
 *
 *	both directions seen	server's data to its ACK, plus the server's part of the handshake.
 *				Always valid: the least of the last two periods counts.
 *	only the client's	an ACK that moves the edge to an ACK beyond the old edge. Valid only
 *				while the window limits the server, and longer otherwise: the least
 *				of the whole flow counts.
 */
#ifndef SLUICE_PURE_ROUNDTRIP_H
#define SLUICE_PURE_ROUNDTRIP_H

#include <linux/types.h>

#include "pure/ceiling.h"
#include "pure/integer.h"
#include "sluice/pace.h"
#include "sluice/time.h"

/* As BBR (draft-ietf-ccwg-bbr, 2.14.1: 10 s). */
#define ROUNDTRIP_PERIOD_S 10
/* No path is longer; a larger sample is a client that was silent. */
#define ROUNDTRIP_MOST_US 10000000u
/* A SYN repeated sooner was seen at two hooks: no RTO is that short. */
#define ROUNDTRIP_SAME_SYN_NS 100000000ull

/* Microseconds; at least 1, since 0 stands for unknown. */
static inline __u32 roundtrip_elapsed_us(__u64 from_ns, __u64 now_ns)
{
	__u64 us = (now_ns - from_ns) / SLUICE_NS_PER_US;

	if (now_ns <= from_ns || !us)
		return 1;
	return us < ROUNDTRIP_MOST_US ? (__u32)us : ROUNDTRIP_MOST_US;
}

static inline void roundtrip_mark(struct sluice_round_trip *trip, __u32 sequence, __u64 now_ns)
{
	if (trip->marked_ns)
		return;
	trip->mark = sequence;
	trip->marked_ns = now_ns;
}

/* The client's SYN. `again`: a repetition. */
static inline void roundtrip_on_syn(struct sluice_round_trip *trip, __u64 now_ns, int again)
{
	if (!again) {
		trip->handshake_us = trip->server_us = trip->smoothed_us = 0;
		trip->least_us = trip->least_before_us = 0;
		trip->marked_ns = now_ns;
		return;
	}
	/* It is unknown which SYN will be answered. */
	if (trip->marked_ns && now_ns - trip->marked_ns > ROUNDTRIP_SAME_SYN_NS)
		trip->marked_ns = 0;
}

/* The server's first SYN-ACK. */
static inline void roundtrip_on_syn_ack(struct sluice_round_trip *trip, __u64 now_ns)
{
	if (trip->marked_ns)
		trip->server_us = roundtrip_elapsed_us(trip->marked_ns, now_ns);
}

static inline void roundtrip_sample(struct sluice_round_trip *trip, __u32 sample_us, __u64 now_ns,
				    int lasting)
{
	__u32 now_s = (__u32)(now_ns / SLUICE_NS_PER_SEC);

	trip->smoothed_us = trip->smoothed_us
				    ? trip->smoothed_us - trip->smoothed_us / 8 + sample_us / 8
				    : sample_us;
	if (!trip->least_us) {
		trip->least_us = sample_us;
		trip->period_began_s = now_s;
	} else if (!lasting && now_s - trip->period_began_s >= ROUNDTRIP_PERIOD_S) {
		trip->least_before_us = trip->least_us;
		trip->least_us = sample_us;
		trip->period_began_s = now_s;
	} else {
		trip->least_us = integer_lesser(trip->least_us, sample_us);
	}
}

/* The first ACK, which answers the SYN-ACK: a round trip of headers only. */
static inline void roundtrip_on_open(struct sluice_round_trip *trip, __u64 now_ns)
{
	if (!trip->marked_ns)
		return;
	trip->handshake_us = roundtrip_elapsed_us(trip->marked_ns, now_ns);
	trip->marked_ns = 0;
	roundtrip_sample(trip, trip->handshake_us, now_ns, 0);
}

/* A later ACK. `lasting`: only the client's direction is seen. */
static inline void roundtrip_on_ack(struct sluice_round_trip *trip, __u32 ack, __u64 now_ns,
				    int lasting)
{
	__u32 sample_us;

	if (!trip->marked_ns || !ceiling_after(ack, trip->mark))
		return;
	sample_us = roundtrip_elapsed_us(trip->marked_ns, now_ns);
	if (!lasting)
		sample_us += trip->server_us;
	trip->marked_ns = 0;
	roundtrip_sample(trip, sample_us, now_ns, lasting);
}

/* A retransmission makes the running measurement ambiguous. */
static inline void roundtrip_purge_mark(struct sluice_round_trip *trip)
{
	trip->marked_ns = 0;
}

/* The RTT of the path; 0: unknown. */
static inline __u32 roundtrip_least_us(const struct sluice_round_trip *trip)
{
	if (!trip->least_before_us)
		return trip->least_us;
	return integer_lesser(trip->least_us, trip->least_before_us);
}

#endif
