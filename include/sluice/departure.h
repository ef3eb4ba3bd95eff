/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Departure times of the flows of a service with a rate, and the share of a rate that they have
 * together.
 */
#ifndef SLUICE_DEPARTURE_H
#define SLUICE_DEPARTURE_H

#include "sluice/flow.h"

/* Coarse times: units of 1024 ns, which wrap after 73 minutes. */
#define SLUICE_TICK_SHIFT 10

/*
 * A slot of the departure table. The flow's keyed hash selects the lines and gives the tag. Two
 * flows collide with a probability of about 2^-50, and then share one rate.
 */
struct sluice_departure {
	__u32 tag;		/* 0: the slot is free */
	__u32 seen_ticks;	/* arrival of its last packet */
	__u64 departs_ns;	/* CLOCK_MONOTONIC: when its next packet may leave */
	__u64 bytes;		/* on the wire */
	__u32 held_since_ticks; /* since then every packet had to wait */
	__u16 weight;		/* of the flow in a shared rate; 0: not looked up yet */
	__u16 weighed_s;	/* time of the look-up: seconds, the lower 16 bits */
};

#define SLUICE_DEPARTURES_OF_LINE 2

/*
 * A line of map `departures`, an array. A flow is in one of two lines. A slot whose time has passed
 * may be claimed; the flow loses nothing by it.
 */
struct sluice_departure_line {
	struct sluice_departure flows[SLUICE_DEPARTURES_OF_LINE];
};

/* The name of the flow in a slot. Map `departure_names`, an array, indexed by slot. */
struct sluice_departure_name {
	struct sluice_flow flow;
	__u32 service;
	__u32 tag; /* tag of the slot; if it differs, the name is not written yet */
};

#define SLUICE_SHARE_EPOCHS 128

/*
 * A rate that the flows of a service share. Map `shares`, key: service number. See
 * pure/fair_share.h.
 */
struct sluice_share {
	__u64 rate_bytes_per_sec;      /* all fields below are derived from it; 0: none yet */
	__u64 unit_rate_bytes_per_sec; /* the rate of a flow of weight 1 in this epoch */
	__u64 epoch;		       /* CLOCK_MONOTONIC in ns >> epoch_shift */
	__u64 held_back;   /* in this epoch: ns that flows waited, times their weights */
	__u64 free_bytes;  /* in this epoch: bytes of flows that did not wait */
	__u64 full_until;  /* all epochs from this one up to that are full */
	__u64 due_ns;	   /* without fq: state of the token bucket (pure/gcra.h) */
	__u32 epoch_bytes; /* bytes that leave in an epoch */
	__u32 trim;	   /* in 1/SHARE_TRIM_ONE: compensates for what flows leave unused */
	__u8 epoch_shift;
	__u8 reserved[7];
	/* Bytes per epoch, by its number; above them the lower half of that number. */
	__u64 calendar[SLUICE_SHARE_EPOCHS];
};

#endif
