/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Telemetry of the congestion control: one record per socket, sums per service, and an event per
 * change of state.
 *
 * Map `congestion_flows` has the records, keyed by struct sluice_flow. The source is the peer and
 * the destination is this host's end, so a server's socket and its client's packets have the same
 * key. The socket writes its record at most once a round and at each change of state; the record is
 * deleted with its socket.
 */
#ifndef SLUICE_CONGESTION_H
#define SLUICE_CONGESTION_H

#include <linux/types.h>

#include "sluice/flow.h"

/*
 * X(NUMBER, NAME, name, "sentence"). Numbers are part of the layout: new states are appended with
 * the next number, and no number is reused.
 */
#define SLUICE_CONGESTION_STATES(X)                                                       \
	X(0, SLOW_START, slow_start, "the window doubles every round, up to ssthresh")    \
	X(1, AVOIDANCE, avoidance, "the window follows the delay law")                    \
	X(2, COMPETE, compete, "other flows fill the buffer: the window follows CUBIC's") \
	X(3, RECOVERY, recovery, "fast retransmit and fast recovery")                     \
	X(4, TIMEOUT, timeout, "the retransmission timer fired; the window starts anew")

enum sluice_congestion_state {
#define SLUICE_CONGESTION_ENUM(NUMBER, NAME, name, sentence) SLUICE_CONGESTION_##NAME = NUMBER,
	SLUICE_CONGESTION_STATES(SLUICE_CONGESTION_ENUM)
#undef SLUICE_CONGESTION_ENUM
		SLUICE_CONGESTION_STATE_COUNT, /* the states that this version knows */
	SLUICE_CONGESTION_CLOSED = 255 /* no state: before a flow opens and after it closes */
};

/* Elements of arrays by state: room for states of later versions. */
#define SLUICE_CONGESTION_STATES_MAX 16

/* What limits the sender at present: S = min(cwnd, policy limit, RWND), or nothing to send. */
#define SLUICE_CONGESTION_BOUNDS(X)                                     \
	X(CWND, cwnd, "the congestion window")                          \
	X(RWND, rwnd, "the receiver's window")                          \
	X(POLICY_WINDOW, policy_window, "the policy limit as a window") \
	X(POLICY_RATE, policy_rate, "the policy limit as a rate")       \
	X(APPLICATION, application, "nothing to send")

enum sluice_congestion_bound {
#define SLUICE_BOUND_ENUM(NAME, name, sentence) SLUICE_BOUND_##NAME,
	SLUICE_CONGESTION_BOUNDS(SLUICE_BOUND_ENUM)
#undef SLUICE_BOUND_ENUM
};

struct sluice_congestion_flow {
	__u64 updated_ns; /* CLOCK_MONOTONIC */
	__u64 delivery_rate_bytes_per_sec;
	__u64 pacing_rate_bytes_per_sec;
	__u64 delivered_bytes;
	__u64 policy_rate_bytes_per_sec; /* of each flow, on the wire; 0: no limit */
	__u32 policy_window_bytes;	 /* 0: no limit */
	__u32 service;			 /* 0: of no service, so without a policy */
	__u32 cwnd_packets;
	__u32 ssthresh_packets;
	__u32 mss_bytes;
	__u32 srtt_us;
	__u32 min_rtt_us;
	__u32 inflight_packets;
	__u32 lost_packets;	     /* so far */
	__u32 retransmitted_packets; /* so far */
	__u32 marked_packets;	     /* so far: delivered with a congestion mark (RFC 3168) */
	__u32 state;		     /* enum sluice_congestion_state */
	__u16 bound;		     /* enum sluice_congestion_bound */
	__u8 accurate_marks; /* 1: the peer reports each mark; 0: only that there were some */
	__u8 marked_share;   /* with accurate marks: share of all packets, averaged, 1/256 */
	__u32 entered[SLUICE_CONGESTION_STATES_MAX]; /* times that each state was entered */
} __attribute__((aligned(8)));

/*
 * Sums over a service's flows: map `congestion_services` (per CPU), by service number; 0 is for
 * flows of no service. A flow can be counted on one CPU and discounted on another, so only the sum
 * over all CPUs is meaningful.
 */
struct sluice_congestion_service {
	__s64 flows[SLUICE_CONGESTION_STATES_MAX]; /* in each state at present */
	__u64 opened;				   /* flows so far */
	__u64 delivered_bytes;
	__u64 lost_packets;
	__u64 retransmitted_packets;
	__u64 marked_packets;
	__u64 timeouts;
};

/*
 * A change of state: ring buffer `congestion_events`, written only while a reader is registered. A
 * flow that opens comes from SLUICE_CONGESTION_CLOSED; one that closes goes to it.
 */
struct sluice_congestion_event {
	__u64 at_ns; /* CLOCK_MONOTONIC */
	struct sluice_flow flow;
	__u32 from; /* enum sluice_congestion_state */
	__u32 to;
	struct sluice_congestion_flow now;
};

/*
 * The reader of the ring buffer: the one entry of map `congestion_watch`. The reader sets until_ns
 * to the time until which it wants events, and moves it on while it runs.
 */
struct sluice_congestion_watch {
	__u64 until_ns; /* CLOCK_MONOTONIC */
	__u64 dropped;	/* events lost because the ring buffer was full, so far */
	__u32 reader;	/* process id */
	__u32 reserved;
};

#endif
