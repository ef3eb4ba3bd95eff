/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * When the flows of a service that has a rate may next send, and how they share a rate that they
 * have together.
 */
#ifndef SLUICE_DEPARTURE_H
#define SLUICE_DEPARTURE_H

#include "sluice/flow.h"

/* Times that need no more than this: units of 1024 ns; they wrap after 73 minutes. */
#define SLUICE_TICK_SHIFT 10

/*
 * A flow, known by its keyed hash: a part of it chooses the bucket, another is the tag. Two flows
 * have the same place with a probability of some 2^-50, and are then held to one rate together.
 */
struct sluice_departure {
	__u32 tag;		/* 0: nobody's */
	__u32 seen_ticks;	/* when its last packet came */
	__u64 departs_ns;	/* CLOCK_MONOTONIC: when its next packet may leave */
	__u64 bytes;		/* so far, on the wire */
	__u32 held_since_ticks; /* since when every packet of it had to wait */
	__u16 weight;		/* among those that share a rate; 0: not looked up yet */
	__u16 weighed_s;	/* when it was looked up: seconds, the lower 16 bits */
};

#define SLUICE_DEPARTURES_OF_LINE 2

/*
 * Map `departures`, an array. A flow is in one of two lines. Who owes nothing, its time being
 * past, gives its place away; a place costs a flow that is silent nothing.
 */
struct sluice_departure_line {
	struct sluice_departure flows[SLUICE_DEPARTURES_OF_LINE];
};

/* Whose place it is. Map `departure_names`, an array, by the number of the place. */
struct sluice_departure_name {
	struct sluice_flow flow;
	__u32 service;
	__u32 tag; /* as of the place; another one there: the name is not written yet */
};

#define SLUICE_SHARE_EPOCHS 128

/* A rate that the flows of a service share. Map `shares`, by service number. pure/share.h. */
struct sluice_share {
	__u64 rate_bytes_per_sec;      /* for which all of this was made; 0: none yet */
	__u64 unit_rate_bytes_per_sec; /* what a flow of weight 1 may have in this epoch */
	__u64 epoch;		       /* its number: CLOCK_MONOTONIC in ns >> epoch_shift */
	__u64 held_back;   /* in this epoch so far: ns that flows waited, times their weights */
	__u64 free_bytes;  /* ... and what those sent that did not wait */
	__u64 full_until;  /* every epoch from this one up to there is full */
	__u64 due_ns;	   /* where no fq is: when all that left would have, at the rate */
	__u32 epoch_bytes; /* so many leave in an epoch */
	__u32 trim;	   /* in 1/SHARE_TRIM_ONE: makes up for what flows leave unused */
	__u8 epoch_shift;
	__u8 reserved[7];
	/* Bytes that leave in an epoch, by its number; above them the lower half of that number. */
	__u64 calendar[SLUICE_SHARE_EPOCHS];
};

#endif
